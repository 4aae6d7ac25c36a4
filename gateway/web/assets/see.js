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
  const d = dot(), crowded = sight.width / d < 500 && shown.tracks.length > 2; // the list beside it has the words
  const all = [...shown.things.map(x => ({b: x.box, colour: x.stance === 'decided' ? '#ff6b6b' : x.stance === 'watching' ? '#ffd43b' : '#c9cfd6', dashed: x.stance === 'refused', words: [x.text]})),
    ...shown.tracks.map(k => ({b: k.box, colour: k.alarm ? '#ff6b6b' : natures[k.nature], dashed: k.hidden, words: crowded && !k.alarm ? ['#' + k.id] : ['#' + k.id + ' ' + k.text, '#' + k.id]}))];
  for (const x of all) frame(x, d);
  brush.font = 14 * d + 'px sans-serif';
  for (const l of labels(all, marked, sight.width, sight.height, 20 * d, s => brush.measureText(s).width + 8 * d)) {
    brush.fillStyle = 'rgba(0,0,0,.75)';
    brush.fillRect(l.x, l.y, l.w, l.h);
    brush.fillStyle = l.colour;
    brush.fillText(l.text, l.x + 4 * d, l.y + 15 * d);
  }
}

// labels places the words of frames so that none covers another or what is marked: above the frame, in it, below it, or some lines off. Where
// there is no room for the words the shorter ones are taken, or none. Alarms choose first.
function labels(all, taken, width, height, h, measure) {
  const placed = [], free = (x, y, w) => y >= 0 && y + h <= height && [...taken, ...placed].every(p => x >= p.x + p.w || p.x >= x + w || y >= p.y + p.h || p.y >= y + h);
  const urgent = x => x.colour === '#ff6b6b' ? 0 : 1;
  for (const f of [...all].sort((a, b) => urgent(a) - urgent(b))) {
    const top = f.b[1] * height, bottom = top + f.b[3] * height, rows = [top - h - 2, top + 2, bottom + 2, bottom - h - 2, top - 2 * h - 3, bottom + h + 3, top + h + 3];
    place: for (const text of f.words.filter(Boolean)) {
      const w = measure(text), right = (f.b[0] + f.b[2]) * width;
      for (const y of rows) for (const at of [f.b[0] * width, right - w]) {
        const x = Math.max(0, Math.min(at, width - w));
        if (free(x, y, w)) { placed.push({text, colour: f.colour, x, y, w, h}); break place; }
      }
    }
  }
  return placed;
}

function frame({b, colour, dashed}, d) {
  const [x, y, w, h] = [b[0] * sight.width, b[1] * sight.height, b[2] * sight.width, b[3] * sight.height];
  brush.setLineDash(dashed ? [6 * d, 5 * d] : []);
  brush.lineWidth = 5 * d;
  brush.strokeStyle = 'rgba(0,0,0,.6)';
  brush.strokeRect(x, y, w, h);
  brush.lineWidth = 3 * d;
  brush.strokeStyle = colour;
  brush.strokeRect(x, y, w, h);
}

// list says how far each rule is.
function list(v) {
  const levels = {decided: 'bad', watching: 'warn', refused: '', quiet: '', off: ''};
  const items = known.map((r, i) => { const s = v.rules[i] || {state: 'quiet', text: ''}; return el('li', {className: levels[s.state]}, el('strong', {}, sentence(r)), el('p', {className: 'says'}, s.text), r.note ? el('p', {className: 'hint'}, r.note) : null); });
  whys.replaceChildren(...(v.settling ? [el('li', {className: 'warn'}, v.settling)] : []), ...(items.length ? items : [el('li', {}, t('norules'))]));
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
