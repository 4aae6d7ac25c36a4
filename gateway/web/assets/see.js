// What the detectors see, drawn over the live picture in time with it, and what each rule makes of
// it. It is asked for only while it is shown and the page can be seen.
'use strict';
const sight = $('sight'), brush = sight ? sight.getContext('2d') : null, seeBox = $('see'), whys = $('why');
let seeing = null, views = [], shown = null, known = [], lastView = 0, listed = 0;
const stale = 1.2, natures = {unproven: '#c9cfd6', mover: '#ffd43b', person: '#51cf66'};

function look() {
  if (seeing) seeing.close();
  seeing = null;
  views = [];
  shown = null;
  paint();
  const on = seeBox.checked && !document.hidden;
  whys.hidden = $('whyhead').hidden = !on;
  if (!on) { say($('seen'), '', ''); return; }
  const mine = seeing = new WebSocket(location.origin.replace(/^http/, 'ws') + '/api/v1/cameras/' + encodeURIComponent(stage.dataset.id) + '/seen');
  lastView = Date.now();
  mine.onmessage = e => {
    if (mine !== seeing) return;
    const m = JSON.parse(e.data);
    if (m.alive) return;
    if (m.rules && m.at === undefined) { known = m.rules; return; }
    lastView = Date.now();
    stage.dataset.views = Number(stage.dataset.views || 0) + 1;
    views.push(m);
    if (views.length > 64) views.shift();
    if (!video.requestVideoFrameCallback || next === 'jpeg' || unsupported) present(m.at); // nothing tells which picture is shown
  };
  mine.onclose = () => setTimeout(() => { if (mine === seeing) look(); }, 2000);
}

// present shows what was seen in the picture of a media time, or in the last that was analysed before it.
function present(at) {
  let v = shown;
  while (views.length && views[0].at <= at + 0.02) v = views.shift();
  if (v && (at - v.at > stale || at < v.at - stale)) v = null;
  if (v) stage.dataset.behind = Math.round((at - v.at) * 1000);
  if (v === shown) return;
  shown = v;
  paint();
  const now = Date.now();
  if (v && now - listed > 400) { listed = now; list(v); }
}

function paint() {
  if (!sight) return;
  if (sight.width !== canvas.width || sight.height !== canvas.height) { sight.width = canvas.width; sight.height = canvas.height; }
  brush.clearRect(0, 0, sight.width, sight.height);
  stage.dataset.tracks = shown ? shown.tracks.length : 0;
  if (!shown) return;
  const d = dot();
  for (const x of shown.things) frame(x.box, x.stance === 'decided' ? '#ff6b6b' : x.stance === 'watching' ? '#ffd43b' : '#c9cfd6', x.stance === 'refused', x.text, d);
  for (const k of shown.tracks) frame(k.box, k.alarm ? '#ff6b6b' : natures[k.nature], k.hidden, '#' + k.id + ' ' + k.text, d);
}

function frame(b, colour, dashed, text, d) {
  const [x, y, w, h] = [b[0] * sight.width, b[1] * sight.height, b[2] * sight.width, b[3] * sight.height];
  brush.setLineDash(dashed ? [6 * d, 5 * d] : []);
  brush.lineWidth = 5 * d;
  brush.strokeStyle = 'rgba(0,0,0,.6)';
  brush.strokeRect(x, y, w, h);
  brush.lineWidth = 3 * d;
  brush.strokeStyle = colour;
  brush.strokeRect(x, y, w, h);
  brush.font = 14 * d + 'px sans-serif';
  const width = brush.measureText(text).width + 8 * d, top = y > 22 * d ? y - 22 * d : Math.min(y + h, sight.height - 20 * d);
  const left = Math.max(0, Math.min(x, sight.width - width));
  brush.fillStyle = 'rgba(0,0,0,.75)';
  brush.fillRect(left, top, width, 20 * d);
  brush.fillStyle = colour;
  brush.fillText(text, left + 4 * d, top + 15 * d);
}

// list says how far each rule is.
function list(v) {
  const levels = {decided: 'bad', watching: 'warn', refused: '', quiet: '', off: ''};
  const items = known.map((r, i) => { const s = v.rules[i] || {state: 'quiet', text: ''}; return el('li', {className: levels[s.state]}, el('strong', {}, sentence(r)), el('p', {className: 'says'}, s.text), r.note ? el('p', {className: 'hint'}, r.note) : null); });
  whys.replaceChildren(...(v.settling ? [el('li', {className: 'warn'}, v.settling)] : []), ...items);
  stage.dataset.why = v.rules.map(s => s.state).join(' ');
}

window.newStream = () => { views = []; shown = null; if (sight) paint(); };

if (sight) {
  const each = (now, meta) => { if (seeing) present(mediaStart + meta.mediaTime); video.requestVideoFrameCallback(each); };
  if (video.requestVideoFrameCallback) video.requestVideoFrameCallback(each);
  seeBox.checked = localStorage.getItem('see') !== 'no' && editor;
  seeBox.onchange = () => { localStorage.setItem('see', seeBox.checked ? 'yes' : 'no'); look(); };
  document.addEventListener('visibilitychange', look);
  setInterval(() => {
    if (!seeing) return;
    const quiet = Date.now() - lastView;
    if (quiet > 15000 && seeing.readyState === WebSocket.OPEN) { look(); return; }
    if (!Number(stage.dataset.views)) say($('seen'), 'warn', t('see.wait'));
    else if (quiet > 3000) say($('seen'), 'warn', t('see.stopped', hms(lastView)));
    else say($('seen'), 'good', t('see.on', hms(lastView), Number(stage.dataset.tracks)));
  }, 1000);
  look();
}
