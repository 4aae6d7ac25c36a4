// Zones without a pointer: a whole shape to begin with, and keys that move its points.
'use strict';
function keys(e) {
  const step = {ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1]}[e.key], s = shapes().find(x => x.of === selected);
  if (e.key === 'Escape') { drawing = null; selected = null; corner = -1; show(); }
  else if ((e.key === 'Delete' || e.key === 'Backspace') && corner >= 0) drop();
  else if (step && s && corner >= 0) { keep(); s.points[corner] = s.points[corner].map((v, i) => four(Math.min(1, Math.max(0, v + step[i] * 0.005)))); draw(); }
  else return;
  e.preventDefault();
}

// ready puts a whole shape into the middle for who has no pointer; its points are moved by their numbers.
function ready(type) {
  drawing = {type, points: type === 'line' ? [[0.3, 0.6], [0.7, 0.6]] : [[0.3, 0.3], [0.7, 0.3], [0.7, 0.7], [0.3, 0.7]]};
  finish();
  opened.add('points ' + (type === 'privacy' ? t('private', scene.privacy.length) : selected.name));
  show();
  say($('gone'), '', t('ready'));
}
