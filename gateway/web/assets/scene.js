// What is drawn into a camera's picture and what to look for there. Technicians draw
// with finger or mouse, or type numbers; nothing is saved before it has been seen.
'use strict';
const canvas = $('canvas'), pen = canvas ? canvas.getContext('2d') : null, editor = document.body.dataset.role === 'technician';
const camera = stage.dataset.id, path = 'cameras/' + encodeURIComponent(camera) + '/scene';
let scene = null, drawing = null, selected = null, corner = -1, dragged = false, undo = [];
let grip = null; // of a floor or a person's height, while it is dragged
let changing = null; // the field whose change is shown
const marked = []; // where names stand in the picture
let tabbing = 0; // where the tab key leads, while it is down
const opened = new Set(); // lists of points that are unfolded
const reach = 24, colours = {polygon: '#1f7ae0', line: '#f08c00', privacy: '#000', people: '#2b8a3e'};

// shapes lists what can be drawn, as {type, points, of}: points is the very array of the scene.
const shapes = () => [...scene.zones.map(z => ({type: z.line ? 'line' : 'polygon', points: z.line || z.polygon, of: z})),
  ...scene.privacy.map(p => ({type: 'privacy', points: p, of: p}))];

// keep is called before each change: what was planned or said of the scene as it was holds no longer.
const keep = () => { typed = true; $('change').hidden = true; say($('gone'), '', ''); undo.push(JSON.stringify(scene)); if (undo.length > 50) undo.shift(); if ($('undo')) $('undo').disabled = false; };
const at = p => [p[0] * canvas.width, p[1] * canvas.height];
const dot = () => canvas.width / canvas.clientWidth || 1; // canvas pixels a CSS pixel

function draw() {
  if (!canvas || !scene) return;
  const d = dot();
  pen.clearRect(0, 0, canvas.width, canvas.height);
  marked.length = 0;
  for (const s of shapes()) outline(s, d, selected === s.of);
  if (drawing) outline(drawing, d, true);
  for (const h of scene.heights) stick(h, d);
  if (editor) for (const g of grips()) circle(g.at, 11 * d, g.colour, d);
  // A finger scrolls the page unless it draws.
  canvas.style.touchAction = editor && (drawing || selected || scene.heights.length) ? 'none' : 'pan-y';
}

// grips are what is dragged up and down: floors of the facade that is chosen, heads and feet.
function grips() {
  const all = [];
  scene.heights.forEach((h, i) => {
    all.push({at: [i ? 0.6 : 0.4, h.head], colour: '#fff', set: y => { h.head = Math.min(y, h.foot - 0.01); }},
      {at: [i ? 0.6 : 0.4, h.foot], colour: colours.people, set: y => { h.foot = Math.max(y, h.head + 0.01); }});
  });
  for (const f of selected && selected.floors || []) all.push({at: [0.97, f.y], colour: '#fff', set: y => { f.y = y; }});
  return all;
}

function outline(s, d, active) {
  if (!s.points.length) return;
  pen.beginPath();
  s.points.forEach((p, i) => pen[i ? 'lineTo' : 'moveTo'](...at(p)));
  const closed = s.type !== 'line' && s !== drawing;
  if (closed) pen.closePath();
  pen.lineWidth = (active ? 4 : 3) * d;
  pen.strokeStyle = colours[s.type];
  if (closed) { pen.fillStyle = s.type !== 'privacy' ? 'rgba(31,122,224,.15)' : active ? 'rgba(0,0,0,.6)' : '#000'; pen.fill(); }
  pen.stroke();
  if (s.type === 'line' && s.of && s.points.length > 1) arrows(s, d);
  if (s.of && s.of.floors) for (const f of s.of.floors) mark(f.name, 0.01, f.y, d, true);
  if (s.of && s.of.name) mark(s.of.name, s.points[0][0], s.points[0][1], d, false);
  if (!active || !editor) return;
  s.points.forEach((p, i) => { circle(p, 11 * d, i === corner ? '#d9480f' : '#fff', d); });
  if (closed || s.type === 'line') edges(s).forEach(m => { circle(m.at, 8 * d, colours[s.type], d); pen.fillStyle = '#fff'; pen.font = 14 * d + 'px sans-serif'; const [x, y] = at(m.at); pen.fillText('+', x - 4 * d, y + 5 * d); });
}

// edges returns the middle of each edge, where a point can be put in.
const edges = s => s.points.map((p, i) => {
  const q = s.points[(i + 1) % s.points.length];
  return i + 1 < s.points.length || s.type !== 'line' ? {i, at: [(p[0] + q[0]) / 2, (p[1] + q[1]) / 2]} : null;
}).filter(Boolean);

function circle(p, r, fill, d) {
  pen.beginPath();
  pen.arc(...at(p), r, 0, 7);
  pen.fillStyle = fill;
  pen.fill();
  pen.lineWidth = 2 * d;
  pen.strokeStyle = '#000';
  pen.stroke();
}

function mark(text, x, y, d, line) {
  const [px, py] = at([x, y]);
  if (line) { pen.beginPath(); pen.moveTo(0, py); pen.lineTo(canvas.width, py); pen.lineWidth = d; pen.strokeStyle = '#1f7ae0'; pen.stroke(); }
  pen.font = 'bold ' + 15 * d + 'px sans-serif';
  const w = pen.measureText(text).width + 10 * d;
  marked.push({x: px, y: Math.max(py - 24 * d, 0), w, h: 22 * d});
  pen.fillStyle = 'rgba(0,0,0,.7)';
  pen.fillRect(px, Math.max(py - 24 * d, 0), w, 22 * d);
  pen.fillStyle = '#fff';
  pen.fillText(text, px + 5 * d, Math.max(py - 24 * d, 0) + 16 * d);
}

// arrows show which way of crossing counts: left to right is across the line as one
// walks from its first point to its last.
function arrows(s, d) {
  const [a, b] = [at(s.points[0]), at(s.points[1])], m = [(a[0] + b[0]) / 2, (a[1] + b[1]) / 2];
  const n = Math.hypot(b[0] - a[0], b[1] - a[1]) || 1, across = [-(b[1] - a[1]) / n, (b[0] - a[0]) / n]; // to the right hand: y grows downwards
  for (const sign of s.of.direction === 'left_to_right' ? [1] : s.of.direction === 'right_to_left' ? [-1] : [1, -1]) {
    const tip = [m[0] + across[0] * 34 * d * sign, m[1] + across[1] * 34 * d * sign];
    pen.beginPath(); pen.moveTo(...m); pen.lineTo(...tip); pen.lineWidth = 4 * d; pen.strokeStyle = colours.line; pen.stroke();
    const back = [tip[0] - across[0] * 14 * d * sign, tip[1] - across[1] * 14 * d * sign], side = [-across[1] * 9 * d, across[0] * 9 * d];
    pen.beginPath(); pen.moveTo(tip[0] + across[0] * 8 * d * sign, tip[1] + across[1] * 8 * d * sign); pen.lineTo(back[0] + side[0], back[1] + side[1]); pen.lineTo(back[0] - side[0], back[1] - side[1]); pen.closePath(); pen.fillStyle = colours.line; pen.fill();
  }
}

function stick(h, d) {
  const x = scene.heights.indexOf(h) ? 0.6 : 0.4;
  pen.beginPath(); pen.moveTo(...at([x, h.head])); pen.lineTo(...at([x, h.foot])); pen.lineWidth = 4 * d; pen.strokeStyle = colours.people; pen.stroke();
  if (!editor) circle([x, h.head], 8 * d, colours.people, d);
}

function resize() {
  stage.style.aspectRatio = (video && video.videoWidth || jpeg.naturalWidth || 1280) + ' / ' + (video && video.videoHeight || jpeg.naturalHeight || 720);
  const w = Math.round(canvas.clientWidth * devicePixelRatio), h = Math.round(canvas.clientHeight * devicePixelRatio);
  if (canvas.width !== w || canvas.height !== h) { canvas.width = w; canvas.height = h; draw(); }
}

const place = e => { const r = canvas.getBoundingClientRect(); return [Math.min(1, Math.max(0, (e.clientX - r.left) / r.width)), Math.min(1, Math.max(0, (e.clientY - r.top) / r.height))]; };
const away = (p, e) => { const r = canvas.getBoundingClientRect(); return Math.hypot(p[0] * r.width + r.left - e.clientX, p[1] * r.height + r.top - e.clientY); };
const near = (p, e) => away(p, e) < reach; // 48 px across
// nearest returns which of some points is within reach and nearest, -1 if none is.
const nearest = (points, e) => points.reduce((best, p, i) => near(p, e) && (best < 0 || away(p, e) < away(points[best], e)) ? i : best, -1);
const four = v => Math.round(v * 1e4) / 1e4;

function down(e) {
  canvas.setPointerCapture(e.pointerId);
  e.preventDefault();
  if (drawing) {
    if (drawing.type !== 'line' && drawing.points.length > 2 && near(drawing.points[0], e)) return finish();
    drawing.points.push(place(e));
    typed = true;
    $('undo').disabled = false;
    tellDrawing();
    return draw();
  }
  const s = shapes().find(x => x.of === selected), held = grips(), g = nearest(held.map(x => x.at), e);
  if (g >= 0) { keep(); grip = held[g]; return; }
  if (s) {
    const i = nearest(s.points, e);
    if (i >= 0) { corner = i; keep(); dragged = true; return draw(); }
    const m = edges(s).find(x => near(x.at, e));
    if (m) { keep(); s.points.splice(m.i + 1, 0, place(e)); corner = m.i + 1; dragged = true; return show(); }
  }
  const p = place(e), hit = shapes().find(x => x.type === 'line' ? x.points.some(q => near(q, e)) || edges(x).some(m => near(m.at, e)) : inside(p, x.points));
  selected = hit ? hit.of : null;
  corner = -1;
  show();
}

function inside(p, poly) { // even-odd rule
  let odd = false;
  for (let i = 0, j = poly.length - 1; i < poly.length; j = i++) {
    const [a, b] = [poly[i], poly[j]];
    if ((a[1] > p[1]) !== (b[1] > p[1]) && p[0] < (b[0] - a[0]) * (p[1] - a[1]) / (b[1] - a[1]) + a[0]) odd = !odd;
  }
  return odd;
}

function move(e) {
  if (grip) { grip.set(four(place(e)[1])); return draw(); }
  if (!dragged || corner < 0) return;
  const s = shapes().find(x => x.of === selected);
  s.points[corner] = place(e).map(four);
  draw();
}

// drop takes the chosen corner out, if enough are left.
function drop() {
  const s = shapes().find(x => x.of === selected);
  if (!s || corner < 0 || s.points.length <= (s.type === 'line' ? 2 : 3)) return;
  keep();
  s.points.splice(corner, 1);
  corner = -1;
  show();
}

// back undoes the last change: while something is drawn, its last corner.
function back() {
  if (drawing && drawing.points.length) { drawing.points.pop(); tellDrawing(); $('undo').disabled = !undo.length && !drawing.points.length; draw(); return; }
  if (undo.length) { $('change').hidden = true; say($('gone'), '', ''); scene = JSON.parse(undo.pop()); selected = null; corner = -1; drawing = null; show(); }
  $('undo').disabled = !undo.length;
}

// keys moves the chosen corner by arrows, half a percent at a time.
function finish() {
  keep();
  const points = drawing.points.map(p => p.map(four));
  if (drawing.type === 'privacy') { scene.privacy.push(points); selected = points; } else {
    let n = 1;
    const name = () => t(drawing.type === 'line' ? 'line1' : 'zone') + n;
    while (scene.zones.some(z => z.name === name())) n++;
    const z = drawing.type === 'line' ? {name: name(), line: points, direction: 'both'} : {name: name(), polygon: points};
    scene.zones.push(z);
    selected = z;
  }
  drawing = null;
  corner = -1;
  show();
}

const least = s => s.type === 'line' ? 2 : 3;

// tellDrawing says how far what is being drawn is, and why it cannot be done yet.
function tellDrawing() {
  $('done').hidden = !drawing;
  if (drawing) $('done').disabled = drawing.points.length < least(drawing);
  $('drawing').hidden = !drawing;
  $('drawing').textContent = !drawing ? '' : $('done').disabled ? t('drawing.' + drawing.type, drawing.points.length) : t('drawing.enough');
}

// unfinished says that something is still being drawn, which would not be saved.
function unfinished() {
  if (!drawing || !drawing.points.length) return false;
  tellDrawing();
  say($('still'), 'warn', $('drawing').textContent + ' ' + t('drawing.still'));
  return true;
}

// changed takes what a field has become into the scene.
function changed(i, set) {
  keep();
  set(i.value);
  changing = i;
  show();
  changing = null;
}

// field makes a labelled one whose change goes into the scene.
function field(label, props, set) {
  const i = el('input', props);
  i.onchange = () => changed(i, set);
  return el('label', {}, label, i);
}
// percent is a field for a place in the picture. Nothing else in the lists goes by it, so that they stay as they are and
// the focus goes where Tab leads.
function percent(label, value, set) {
  const shown = v => Math.round(v * 1000) / 10, i = el('input', {type: 'number', min: 0, max: 100, step: 0.1, value: shown(value)});
  i.onchange = () => {
    const v = Math.min(1, Math.max(0, i.value / 100));
    keep();
    set(v);
    i.value = shown(v);
    keepDraft();
    draw();
  };
  return el('label', {}, label, i);
}
const part = (at, e) => { e.dataset.at = at; return e; }; // of the configuration
const button = (label, run, danger) => { const b = el('button', {type: 'button', className: danger ? 'danger' : ''}, label); b.onclick = run; return b; };
function choose(label, options, value, set) {
  const s = el('select', {}, ...options.map(([v, text]) => el('option', {value: v}, text)));
  s.value = value;
  s.onchange = () => changed(s, set);
  return el('label', {}, label, s);
}

// removeZone takes a zone out with the rules that use it, and says so.
function removeZone(z) {
  const left = scene.rules.filter(r => r.zone !== z.name), n = scene.rules.length - left.length;
  scene.zones.splice(scene.zones.indexOf(z), 1);
  scene.rules = left;
  if (n) say($('gone'), 'warn', t('zonegone', z.name, n));
}

function zoneItem(s, i) {
  const z = s.of, li = el('li', {className: selected === z ? 'chosen' : ''}), title = s.type === 'privacy' ? t('private', i + 1) : z.name;
  li.dataset.at = s.type === 'privacy' ? 'privacy[' + i + ']' : 'zones.' + z.name;
  const pick = button(title, () => { selected = selected === z ? null : z; corner = -1; show(); });
  pick.setAttribute('aria-expanded', selected === z);
  const remove = button(t('remove'), () => { keep(); if (s.type === 'privacy') scene.privacy.splice(scene.privacy.indexOf(z), 1); else removeZone(z); selected = null; show(); }, true);
  remove.setAttribute('aria-label', t('remove') + ' ' + title);
  li.append(el('p', {className: 'buttons'}, pick, remove));
  if (selected !== z) return li;
  if (s.type !== 'privacy') li.append(field(t('zone.name'), {value: z.name, maxLength: 21}, v => { v = v.trim(); if (!v || scene.zones.some(o => o !== z && o.name === v)) return; for (const r of scene.rules) if (r.zone === z.name) r.zone = v; z.name = v; }));
  if (s.type === 'line') li.append(choose(t('direction'), ['both', 'left_to_right', 'right_to_left'].map(k => [k, t(k)]), z.direction || 'both', v => { z.direction = v; }));
  const unfolded = 'points ' + title, list = el('details', {open: opened.has(unfolded)}, el('summary', {}, t('points')), ...s.points.map((p, k) => pointItem(s, p, k)));
  list.ontoggle = () => { if (list.open) opened.add(unfolded); else opened.delete(unfolded); };
  li.append(list);
  if (s.type === 'polygon') {
    z.floors = z.floors || [];
    li.append(el('details', {open: z.floors.length > 0}, el('summary', {}, t('floors')), ...z.floors.map((f, k) => part('zones.' + z.name + '.floors[' + k + ']', el('fieldset', {className: 'point'}, field(t('floor'), {value: f.name, maxLength: 21}, v => { f.name = v; }), percent(t('floory') + ' %', f.y, v => { f.y = v; }), button(t('remove'), () => { keep(); z.floors.splice(z.floors.indexOf(f), 1); show(); }, true)))),
      button(t('addfloor'), () => { keep(); z.floors.push({name: z.floors.length + 1 + 'F', y: Math.max(0, 0.9 - 0.1 * z.floors.length)}); show(); })));
  }
  return li;
}

// pointItem has a corner's numbers, and takes it out or puts another behind it.
function pointItem(s, p, k) {
  const set = el('fieldset', {className: 'point'}, el('legend', {}, t('point', k + 1)), percent('x %', p[0], v => { p[0] = four(v); }), percent('y %', p[1], v => { p[1] = four(v); }));
  const named = (b, what) => { b.setAttribute('aria-label', what + ' ' + t('point', k + 1)); return b; };
  const q = s.points[(k + 1) % s.points.length];
  if (s.type !== 'line' || k + 1 < s.points.length) set.append(named(button(t('addpoint'), () => { keep(); s.points.splice(k + 1, 0, [four((p[0] + q[0]) / 2), four((p[1] + q[1]) / 2)]); show(); }), t('addpoint')));
  if (s.points.length > (s.type === 'line' ? 2 : 3)) set.append(named(button(t('remove'), () => { keep(); s.points.splice(k, 1); corner = -1; show(); }, true), t('remove')));
  return set;
}

const lines = () => scene.zones.filter(z => z.line).map(z => [z.name, z.name]);
const places = r => r.kind === 'line_crossing' ? (lines().length ? lines() : [['', t('noline')]]) : [['all', t('all')], ...scene.zones.filter(z => !z.line).map(z => [z.name, z.name])];
const usual = {loitering: '30s', gathering: '20s', abandoned_object: '60s'};
const way = r => { const z = r.kind === 'line_crossing' && scene.zones.find(x => x.name === r.zone); return z && z.direction && z.direction !== 'both' ? t('rule.' + z.direction) : ''; };
const sentence = r => t('rule.' + r.kind, r.kind === 'line_crossing' && !scene.zones.some(z => z.line && z.name === r.zone) ? '？' : r.zone === 'all' || !r.zone ? t('all') : r.zone, r.after || usual[r.kind], r.people || 5) + way(r) + (r.schedule ? t('rule.when', r.schedule) : t('rule.always')) + (r.severity ? t('rule.severity', r.severity) : '');

function ruleItem(r) {
  const li = el('li', {}, el('strong', {}, sentence(r)));
  if (!editor) return li;
  const fields = el('div', {className: 'fields'},
    choose(t('kind'), scene.kinds.map(k => [k.kind, k.text]), r.kind, v => { r.kind = v; delete r.after; delete r.people; const p = places(r); if (!p.some(o => o[0] === r.zone)) r.zone = p[0][0]; }),
    choose(t('where'), places(r), r.zone || (r.kind === 'line_crossing' ? '' : 'all'), v => { r.zone = v; }));
  if (usual[r.kind]) fields.append(field(t('after'), {value: r.after || '', placeholder: usual[r.kind]}, v => { r.after = lasting(v); }));
  if (r.kind === 'gathering') fields.append(field(t('people'), {type: 'number', min: 2, max: 100, value: r.people || '', placeholder: 5}, v => { r.people = Number(v) || 0; }));
  fields.append(field(t('schedule'), {value: r.schedule || '', placeholder: '22:00-06:00'}, v => { r.schedule = v.trim(); }),
    choose(t('sev'), [[0, t('default')], ...[1, 2, 3, 4].map(n => [n, t('sev' + n)])], r.severity || 0, v => { r.severity = Number(v); }));
  li.append(fields, button(t('remove'), () => { keep(); scene.rules.splice(scene.rules.indexOf(r), 1); show(); }, true));
  return li;
}

// where returns what has the focus, so that it has it again when all is made anew.
function where() {
  for (const id of ['zones', 'rules']) {
    const parts = () => [...$(id).querySelectorAll('input, select, button, summary')].filter(e => e.checkVisibility());
    const i = $(id) ? parts().indexOf(changing || document.activeElement) : -1;
    if (i >= 0) {
      const to = i + tabbing;
      return () => setTimeout(() => { const all = parts(); if (all.length && (!document.activeElement || document.activeElement === document.body)) all[Math.max(0, Math.min(to, all.length - 1))].focus({preventScroll: true}); });
    }
  }
  return () => {};
}

function show() {
  const again = where();
  draw();
  if ($('rules')) $('rules').replaceChildren(...(scene.rules.length ? scene.rules.map(ruleItem) : [el('li', {}, t('norules'))]));
  if (!editor) return;
  keepDraft();
  const none = !shapes().length && !scene.heights.length;
  $('zones').replaceChildren(...(none ? [el('li', {}, t('nozones'))] : []), ...shapes().map(s => zoneItem(s, scene.privacy.indexOf(s.of))), ...scene.heights.map((h, i) => part('heights[' + i + ']', el('li', {}, el('strong', {}, t(i ? 'far' : 'near')),
    el('fieldset', {className: 'point'}, percent(t('head') + ' %', h.head, v => { h.head = v; }), percent(t('foot') + ' %', h.foot, v => { h.foot = v; }))))),
    ...(scene.heights.length ? [el('li', {}, button(t('remove'), () => { keep(); scene.heights = []; show(); }, true))] : []));
  tellDrawing();
  if (!drawing) say($('still'), '', '');
  $('drop').hidden = corner < 0 || !selected;
  for (const b of document.querySelectorAll('[data-draw]')) b.setAttribute('aria-pressed', Boolean(drawing && drawing.type === b.dataset.draw));
  again();
}

const tellState = s => $('state').replaceChildren(...(s ? [el('span', {className: s.level}, el('span', {className: 'mark'}, t('level.' + s.level))), s.text + (s.hint ? ' · ' + s.hint : '')] : []));

// How the camera is comes with the overview; when nothing comes any more, that is said in its place.
let stateAt = Date.now();
new EventSource('/api/v1/events').addEventListener('overview', e => {
  stateAt = Date.now();
  tellState(JSON.parse(e.data).lines.find(l => l.about === 'camera' && l.id === camera));
});
setInterval(() => { if (Date.now() - stateAt > 7000) tellState({level: 'warn', text: t('stale', hms(stateAt))}); }, 1000);

async function load() {
  scene = await api('GET', path);
  if (scene.state) tellState(scene.state);
  undo = [];
  selected = null;
  const back = takeDraft();
  show();
  if (back) say($('gone'), 'warn', t('draft'));
}

if (canvas) setInterval(resize, 500);
if (editor) {
  if (canvas) {
    canvas.onpointerdown = down;
    canvas.onpointermove = move;
    canvas.onpointerup = canvas.onpointercancel = () => { if (dragged || grip) { dragged = false; grip = null; show(); } };
    canvas.tabIndex = 0;
    canvas.setAttribute('role', 'application');
    canvas.setAttribute('aria-label', t('canvas'));
    canvas.onkeydown = keys;
  }
  for (const b of document.querySelectorAll('[data-draw]')) b.onclick = e => {
    if (!e.detail && !drawing) return ready(b.dataset.draw);
    drawing = drawing && drawing.type === b.dataset.draw ? null : {type: b.dataset.draw, points: []};
    selected = null;
    show();
  };
  $('done').onclick = finish;
  $('people').onclick = () => { if (!scene.heights.length) { keep(); scene.heights = [{head: 0.5, foot: 0.9}, {head: 0.2, foot: 0.35}]; show(); } };
  $('drop').onclick = drop;
  $('undo').onclick = back;
  document.addEventListener('keydown', e => { tabbing = e.key === 'Tab' ? (e.shiftKey ? -1 : 1) : 0; }, true);
  document.addEventListener('keyup', () => { tabbing = 0; }, true);
  document.addEventListener('keydown', e => { if ((e.ctrlKey || e.metaKey) && e.key === 'z' && !e.target.closest('input, textarea')) { e.preventDefault(); back(); } });
  $('addrule').onclick = () => { keep(); scene.rules.push({kind: 'intrusion', zone: scene.zones.some(z => z.polygon) ? scene.zones.find(z => z.polygon).name : 'all'}); show(); };
  $('plan').onclick = () => unfinished() || busy($('plan'), () => {
    const {state, kinds, ...own} = scene;
    return planned(path + '/plan', own, camera);
  });
  saving(() => { loaded = own(); keepDraft(); setTimeout(() => load().catch(() => {}), 1500); });
}
load().catch(e => say($('said'), 'bad', t('failed', e.message)));
