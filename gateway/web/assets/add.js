// Cameras that are found on the network, signed in to and added, several in one go.
'use strict';
const marked = new Set(), wanted = new Map(), pictures = new Map(); // by address; by address and channel
let queue = Promise.resolve(); // of pictures, one after the other: a browser has few connections
let found = {devices: [], templates: [], networks: [], job: {}}, shown = '', added = [], asked = [];

const keyOf = (d, c) => d.address + ' ' + c.channel;
const check = (label, checked, set, props = {}) => {
  const i = el('input', {type: 'checkbox', checked, ...props});
  i.onchange = () => set(i.checked);
  return el('label', {className: 'check'}, i, ' ', label);
};
function pick(label, options, value, set) {
  const s = el('select', {}, ...options.map(([v, text]) => el('option', {value: v}, text)));
  s.value = value;
  s.onchange = () => set(s.value);
  return el('label', {}, label, s);
}

// titles of a device: what people call it, and where it is.
const title = d => [d.brand, d.model || d.name].filter(Boolean).join(' ') || t('add.unknown');

function deviceItem(d) {
  const level = d.failed ? 'bad' : d.cameras.length ? 'good' : '';
  const mark = check(el('strong', {}, title(d) + ' · ' + d.address), marked.has(d.address), on => { on ? marked.add(d.address) : marked.delete(d.address); count(); }, {name: 'mark', value: d.address});
  const ignore = el('button', {type: 'button'}, t('add.ignore'));
  ignore.setAttribute('aria-label', t('add.ignore') + ' ' + d.address);
  ignore.onclick = () => change(d, {ignored: true});
  const known = found.templates.find(x => x.id === d.template);
  return el('li', {className: level}, mark,
    el('p', {className: 'hint'}, [d.name, d.speaks.join('、') || t('add.silent'), t('add.by', d.ways.join('、')), d.channels > 1 ? t('add.channels', d.channels) : ''].filter(Boolean).join(' · ')),
    d.added.length ? el('p', {className: 'strip good'}, t('add.already', d.added.join('、'))) : null,
    d.elsewhere ? el('p', {className: 'strip warn'}, d.elsewhere) : null,
    d.signing_in ? el('p', {className: 'strip'}, t('add.signing')) : null,
    d.failed ? el('p', {className: 'strip bad', role: 'alert'}, t('add.failed', d.failed), d.hint ? el('span', {}, ' ' + t('add.hint', d.hint)) : '') : null,
    ...d.notes.map(n => el('p', {className: 'strip warn'}, n)),
    tried(d),
    el('div', {className: 'buttons'}, pick(t('add.brand'), [['', t('add.auto')], ...found.templates.map(x => [x.id, x.name || t('add.generic')])], d.template, v => change(d, {template: v})), ignore),
    known && known.hint ? el('p', {className: 'hint'}, known.hint) : null);
}

// tried lists each way of signing in, and why it failed.
function tried(d) {
  if (!d.tried.length) return null;
  return el('details', {open: Boolean(d.failed)}, el('summary', {}, t('add.tried', d.tried.length)), el('ul', {className: 'tried'}, ...d.tried.map(a =>
    el('li', {className: a.well ? 'good' : 'bad'}, (a.well ? '✓ ' : '✗ ') + a.way + t('add.colon') + a.text, a.why ? el('details', {}, el('summary', {}, t('why')), el('code', {}, a.why)) : null))));
}

function ignoredItem(d) {
  const back = el('button', {type: 'button'}, t('add.unignore'));
  back.setAttribute('aria-label', t('add.unignore') + ' ' + d.address);
  back.onclick = () => change(d, {ignored: false});
  return el('li', {}, title(d) + ' · ' + d.address + ' ', back);
}

// picture asks for a still, once for each time that a camera was signed in to.
function picture(d, c) {
  const key = keyOf(d, c), img = el('img', {alt: t('add.picture') + ' ' + c.id, width: 320, hidden: true}), note = el('p', {className: 'hint'}, t('add.taking'));
  if (!pictures.has(key)) {
    const take = queue.then(() => fetch('/api/v1/find/devices/' + encodeURIComponent(d.address) + '/' + c.channel + '/picture'))
      .then(async r => r.ok ? URL.createObjectURL(await r.blob()) : Promise.reject(new Error((await r.json()).error.text)));
    queue = take.catch(() => {});
    pictures.set(key, take);
  }
  pictures.get(key).then(url => { img.src = url; img.hidden = false; note.hidden = true; }, e => { note.textContent = e.message; });
  return el('div', {className: 'shot'}, img, note);
}

function camItem(d, c) {
  const key = keyOf(d, c);
  if (!wanted.has(key)) wanted.set(key, {address: d.address, channel: c.channel, id: c.id, grid: '', main: c.main, detect: c.detect, add: d.added.length === 0});
  const w = wanted.get(key), streams = c.streams.map((s, i) => [i, t('add.streamn', i + 1) + ' ' + s.codec + ' ' + s.width + '×' + s.height]);
  const input = (label, name, props) => { const i = el('input', {value: w[name], autocapitalize: 'off', name, ...props}); i.oninput = () => { w[name] = i.value; stale(); }; return el('label', {}, label, i); };
  const best = i => i === c.detect ? t('add.best') : '';
  const usage = i => [i === c.main ? t('add.formain') : '', i === c.detect || c.detect < 0 && i === c.main ? t('add.fordetect') : ''].filter(Boolean).join(t('add.and'));
  return el('li', {}, check(el('strong', {}, title(d) + ' · ' + d.address + (d.cameras.length > 1 ? ' · ' + t('add.channel', c.channel) : '')), w.add, on => { w.add = on; stale(); }, {name: 'add'}),
    el('div', {className: 'found'}, picture(d, c), el('div', {},
      el('ul', {className: 'narrowonly'}, ...c.streams.map((s, i) => el('li', {}, el('strong', {}, t('add.streamn', i + 1) + (usage(i) && t('add.colon') + usage(i))), el('br'), s.text))),
      el('div', {className: 'scroll wideonly'}, el('table', {}, el('thead', {}, el('tr', {}, ...['add.stream', 'add.size', 'add.fps', 'add.rate', 'add.keys', 'add.use'].map(k => el('th', {scope: 'col'}, t(k))))),
        el('tbody', {}, ...c.streams.map((s, i) => el('tr', {}, el('td', {}, t('add.streamn', i + 1) + ' · ' + s.codec), el('td', {}, s.width + '×' + s.height), el('td', {}, s.fps.toFixed(1)), el('td', {}, Math.round(s.bitrate / 1000) + ' kbit/s'),
          el('td', {}, s.keyframe_seconds ? s.keyframe_seconds.toFixed(1) + ' s' : t('add.rare')), el('td', {}, usage(i))))))),
      ...[...new Set([...c.streams.flatMap(s => s.notes), ...c.notes])].map(n => el('p', {className: 'strip warn'}, n)),
      el('div', {className: 'fields'}, input(t('add.id'), 'id', {required: true, maxLength: 21}), input(t('add.grid'), 'grid', {maxLength: 21}),
        pick(t('add.main'), streams, w.main, v => { w.main = Number(v); stale(); }),
        pick(t('add.detect'), [[-1, t('add.same') + (c.detect < 0 ? t('add.best') : '')], ...streams.map(([i, s]) => [i, s + best(i)])], w.detect, v => { w.detect = Number(v); stale(); })))));
}

// stale takes back what was planned before something was changed.
function stale() {
  $('change').hidden = true;
  $('plan').disabled = !chosen().length;
}
const here = () => new Set(found.devices.flatMap(d => d.cameras.map(c => keyOf(d, c))));
function chosen() { const keys = here(); return [...wanted].filter(([k, w]) => keys.has(k) && w.add).map(([, {add, ...w}]) => w); }

function count() {
  $('go').disabled = !marked.size || found.job.running;
  const f = $('signin').channels;
  if (!f.dataset.typed) f.value = Math.min(64, Math.max(1, ...found.devices.filter(d => marked.has(d.address)).map(d => d.channels)));
  $('go').textContent = marked.size ? t('add.go', marked.size) : $('go').dataset.none;
}

function show() {
  const job = found.job;
  $('job').hidden = !job.kind;
  $('jobtext').textContent = job.text + (job.why ? ' (' + job.why + ')' : '');
  $('bar').hidden = $('stop').hidden = !job.running;
  if (job.all) { $('bar').max = job.all; $('bar').value = job.done; } else $('bar').removeAttribute('value');
  for (const b of [$('search'), ...$('scan').querySelectorAll('button'), ...$('look').querySelectorAll('button')]) b.disabled = job.running;
  const what = JSON.stringify([found.devices.map(({seen, ...d}) => d), found.templates]);
  if (what !== shown) { // what is being typed into is left alone otherwise
    shown = what;
    const seen = found.devices.filter(d => !d.ignored), out = found.devices.filter(d => d.ignored), cams = seen.flatMap(d => d.cameras.map(c => [d, c]));
    for (const a of marked) if (!seen.some(d => d.address === a)) marked.delete(a);
    const keys = here();
    for (const k of [...wanted.keys()]) if (!keys.has(k)) { wanted.delete(k); pictures.delete(k); }
    $('found').replaceChildren(...(seen.length ? seen.map(deviceItem) : []));
    $('ignored').replaceChildren(...out.map(ignoredItem));
    $('ignoredbox').hidden = !out.length;
    $('cams').replaceChildren(...cams.map(([d, c]) => camItem(d, c)));
    $('camsbox').hidden = !cams.length;
    $('networks').replaceChildren(...found.networks.map(n => el('option', {value: n.subnet}, n.interface)));
    if (!$('scan').subnet.value && found.networks.length) $('scan').subnet.value = found.networks[0].subnet;
    $('plan').disabled = !chosen().length;
  }
  if (!found.devices.some(d => !d.ignored)) $('found').replaceChildren(el('li', {}, t(job.kind && !job.running ? 'add.nothing' : 'add.none')));
  tellSigned(job);
  count();
}

// tellSigned says by the button how signing in goes: the devices are far above it on a phone.
function tellSigned(job) {
  if (!asked.length) return;
  if (job.running) { say($('signed'), '', job.text); return; }
  const of = found.devices.filter(d => asked.includes(d.address)), bad = of.filter(d => d.failed), well = of.length - bad.length;
  say($('signed'), bad.length ? 'bad' : 'good', [well ? t('add.well', well) : '', bad.length ? t('add.ill', bad.length, bad[0].failed) : ''].join(' ').trim());
  asked = [];
}

let timer = 0;
async function load() {
  clearTimeout(timer);
  try {
    found = await api('GET', 'find');
    show();
  } catch (e) {
    if (e.status) { failed(e); return; }
  }
  timer = setTimeout(load, found.job.running ? 1000 : 8000);
}

const begin = (path, body) => api('POST', 'find/' + path, body || {}).then(() => { $('said').hidden = true; return load(); }).catch(failed);
const change = (d, what) => api('PATCH', 'find/devices/' + encodeURIComponent(d.address), what).then(load).catch(failed);
$('signin').channels.oninput = e => { e.target.dataset.typed = '1'; };
$('go').dataset.none = $('go').textContent;
$('search').onclick = () => begin('search');
$('stop').onclick = () => begin('stop');
$('scan').onsubmit = e => { e.preventDefault(); begin('scan', {subnet: $('scan').subnet.value}); };
$('look').onsubmit = e => { e.preventDefault(); begin('look', {address: $('look').address.value}); };
$('signin').onsubmit = e => {
  e.preventDefault();
  const f = $('signin');
  for (const k of [...pictures.keys()]) if (marked.has(k.split(' ')[0])) { pictures.delete(k); wanted.delete(k); }
  asked = [...marked];
  begin('signin', {devices: [...marked], user: f.user.value, password: f.password.value, plain: f.plain.checked, channels: Number(f.channels.value) || 1});
};
$('plan').onclick = () => busy($('plan'), () => {
  const cameras = chosen();
  added = cameras.map(c => c.id.trim());
  return planned('find/plan', {cameras}, added.join(' ').slice(0, 200));
});
saving(() => {
  for (const w of wanted.values()) w.add = false;
  $('said').append(' ', ...added.flatMap(id => [el('a', {className: 'button', href: '/camera/' + encodeURIComponent(id)}, t('add.see', id)), ' ']));
  shown = '';
  setTimeout(load, 1000);
});
load();
