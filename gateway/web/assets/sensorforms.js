// Forms for buses, sensors, outputs and rules. A change is shown before it is saved.
'use strict';
const lists = ['buses', 'sensors', 'outputs', 'rules'];
const formOf = Object.fromEntries(lists.map(l => [l, document.querySelector('form[data-list=' + l + ']')]));
let forms = null, profiles = [], old = '', editing = '';
const sensor = formOf.sensors, bus = formOf.buses, output = formOf.outputs;

const fill = async () => { forms = await api('GET', 'sensors/forms'); };
const option = (value, label) => el('option', {value}, label);

// open shows a form: of an entry of the file, or of a new one with what is known of it.
async function open(list, id, known = {}) {
  try {
    await fill();
    if (!profiles.length) profiles = (await api('GET', 'profiles')).profiles;
  } catch (e) {
    say($('said'), 'bad', t('failed', e.message));
    return;
  }
  if (forms.by_hand.includes(list)) { say($('said'), 'warn', t('sn.byhand')); $('said').scrollIntoView({block: 'nearest'}); return; }
  const f = formOf[list], item = id ? forms[list].find(x => x.id === id) : null;
  if (id && !item) return;
  editing = list;
  old = id || '';
  f.reset();
  if (list === 'outputs') output.profile.replaceChildren(option('', t('sn.coilpin')), ...profiles.filter(p => p.outputs.length).map(p => option(p.id, profileText(p))));
  if (list === 'sensors') { $('find').value = ''; filter((item || known).profile); }
  if (list === 'rules') hints();
  if (list === 'buses') { $('searched').replaceChildren(); search?.abort(); }
  if (list === 'buses') api('GET', 'ports').then(got => $('ports').replaceChildren(...got.ports.map(p => option(p.port, p.bus ? t('sn.usedby', p.bus) : '')))).catch(() => {});
  if (f.profile && list === 'outputs') f.profile.value = (item || known).profile || '';
  buses(f, (item || known).bus);
  for (const e of f.elements) if (e.name) { const v = (item || known)[e.name]; if (v !== undefined) e.value = v; else if (!item && e.name === 'id') e.value = suggest(list); }
  for (const g of f.querySelectorAll('[data-given]')) g.hidden = !((item || {}).given || []).includes(g.dataset.given);
  f.off = new Set(item && item.off || []);
  adapt[list]?.();
  for (const l of lists) $('edit-' + l).hidden = l !== list;
  $('change').hidden = true;
  const h = $('h-edit-' + list);
  h.textContent = id ? h.dataset.edit + ' ' + id : h.dataset.add;
  h.focus();
  h.scrollIntoView({block: 'start'});
}

// suggest makes an id that nobody has.
function suggest(list) {
  const taken = new Set(lists.flatMap(l => forms[l].map(x => x.id))), stem = {buses: 'bus', sensors: 'sensor', outputs: 'output', rules: 'rule'}[list];
  for (let n = 1; ; n++) if (!taken.has(stem + '-' + n)) return stem + '-' + n;
}

const profileText = p => (document.documentElement.lang === 'en' ? p.en : p.zh) + (p.models.length ? ' — ' + p.models.join(', ') : '');

// filter shows the profiles whose words, in either language, have what is looked for.
function filter(chosen) {
  const words = $('find').value.toLowerCase().split(/\s+/).filter(Boolean), keep = chosen === undefined ? sensor.profile.value : chosen;
  const found = profiles.filter(p => p.senses && (p.id === keep || words.every(w => [p.id, p.zh, p.en, p.maker, ...p.models].join(' ').toLowerCase().includes(w))));
  sensor.profile.replaceChildren(option('', t('sn.plain')), ...found.map(p => option(p.id, profileText(p))));
  sensor.profile.value = keep || '';
  if (!keep && words.length && found.length) sensor.profile.value = found[0].id;
}

// buses fills the choice of buses with those that reach the profile's device.
function buses(f, chosen) {
  if (!f.bus) return;
  const p = profiles.find(x => x.id === f.profile.value), keep = chosen === undefined ? f.bus.value : chosen;
  const kinds = p ? p.buses : f === output ? ['modbus', 'gpio'] : [''];
  const fit = forms.buses.filter(b => kinds.includes(b.kind)), local = kinds.includes('') && forms.local;
  f.bus.required = f === sensor && !local;
  f.bus.replaceChildren(...(local ? [option('', t('sn.local'))] : []), ...fit.map(b => option(b.id, b.name ? b.name + ' (' + b.id + ')' : b.id)));
  if (keep && [...f.bus.options].some(o => o.value === keep)) f.bus.value = keep;
  if (f === sensor) say($('nobus'), 'warn', f.bus.options.length ? '' : kinds.includes('') ? t('sn.nolocal') : t('sn.nobus', kinds.map(k => t('bus.' + k)).join(' / ')));
}

const visible = (label, yes) => { label.hidden = !yes; for (const i of label.querySelectorAll('input, select')) i.disabled = !yes; };
const adapt = {
  buses() {
    const kind = bus.kind.value;
    for (const l of bus.querySelectorAll('[data-kind]')) visible(l, l.dataset.kind.split(' ').includes(kind));
    const how = {lorawan: 'listen', chirpstack: 'broker', mqtt: 'broker', gpio: 'chip'}[kind] || 'port';
    $('where-text').textContent = t('sn.where.' + how);
    $('where-hint').textContent = t('sn.wherehint.' + how);
  },
  sensors() {
    const p = profiles.find(x => x.id === sensor.profile.value), chosen = forms.buses.find(b => b.id === sensor.bus.value);
    const needs = new Set(p ? p.needs : ['topic']);
    if (chosen && chosen.kind === 'chirpstack') for (const k of ['dev_addr', 'nwk_skey', 'app_skey']) needs.delete(k);
    if (p && (p.buses.includes('modbus') || p.buses.includes('serial'))) needs.add('every');
    for (const l of sensor.querySelectorAll('[data-need]')) visible(l, needs.has(l.dataset.need));
    if (p && p.unit && !sensor.unit.value) sensor.unit.placeholder = p.unit;
    $('profile-notes').textContent = p ? [p.maker, p.line, p.notes].filter(Boolean).join(' · ') : t('sn.plainhint');
    $('profile-rules').replaceChildren(...(p ? p.rules : []).map(r => el('li', {}, r)));
    $('profile-fields').replaceChildren(...(p ? p.fields : []).map(f => {
      const box = el('input', {type: 'checkbox', checked: !sensor.off.has(f.name)});
      box.onchange = () => sensor.off[box.checked ? 'delete' : 'add'](f.name);
      return el('label', {className: 'check'}, box, t('sn.counts.field', f.text));
    }));
  },
  outputs() {
    const p = profiles.find(x => x.id === output.profile.value), chosen = forms.buses.find(b => b.id === output.bus.value), pin = chosen && chosen.kind === 'gpio';
    const keep = output.output.value || (forms.outputs.find(x => x.id === old) || {}).output;
    output.output.replaceChildren(...(p ? p.outputs : []).map(o => option(o, o)));
    if (p && p.outputs.includes(keep)) output.output.value = keep;
    visible(output.output.parentElement, Boolean(p));
    visible(output.coil.parentElement, !p && !pin);
    visible(output.pin.parentElement, Boolean(pin));
    visible(output.unit.parentElement, !pin && !(p && p.buses.includes('serial')));
  },
};
bus.kind.onchange = () => { $('searched').replaceChildren(); adapt.buses(); };

// What is at a line is searched for before the bus is saved; the answer comes line by line.
let search = null;
$('search').onclick = async () => {
  if (search) { search.abort(); return; }
  const label = $('search').textContent, out = $('searched'), tell = (level, text) => out.replaceChildren(el('p', {className: 'strip ' + level}, text));
  search = new AbortController();
  $('search').textContent = t('sn.search.stop');
  tell('good', t('sending'));
  try {
    const res = await fetch('/api/v1/buses/search', {method: 'POST', signal: search.signal, headers: {'Content-Type': 'application/json', 'X-CSRF-Token': document.querySelector('meta[name=csrf]').content},
      body: JSON.stringify({kind: bus.kind.value, where: bus.where.value.trim(), baud: Number(bus.baud.value) || 0, parity: bus.parity.value, last: Number($('last').value) || 32})});
    if (!res.ok) throw new Error((await res.json()).error.text);
    const reader = res.body.pipeThrough(new TextDecoderStream()).getReader();
    for (let rest = ''; ;) {
      const {value, done} = await reader.read();
      if (done) break;
      const all = (rest + value).split('\n');
      rest = all.pop();
      for (const line of all) {
        const d = JSON.parse(line);
        if (d.error) tell('bad', d.error);
        else if (d.done) found(d.found || []);
        else tell('good', d.unit ? t('sn.search.try', d.trying, d.unit) : t('sn.search.listen', d.trying));
      }
    }
  } catch (e) {
    if (e.name === 'AbortError') out.replaceChildren(); else tell('bad', t('failed', e.message));
  }
  search = null;
  $('search').textContent = label;
};

// found shows the devices of a line; each can be taken over once the bus is there.
function found(all) {
  if (!all.length) { $('searched').replaceChildren(el('p', {className: 'strip warn'}, t('sn.search.none'))); return; }
  bus.baud.value = String(all[0].baud);
  bus.parity.value = all[0].parity;
  $('searched').replaceChildren(el('p', {}, t('sn.search.later')), el('ul', {className: 'lines'}, ...all.map(f => {
    const take = button(t('sn.take'), f.unit || '', () => open('sensors', '', {bus: bus.elements.id.value, profile: f.fits.length ? f.fits[0].profile : guess(bus.elements.id.value), unit: f.unit || ''}));
    take.disabled = !estate.buses.some(b => b.id === bus.elements.id.value);
    take.dataset.take = '';
    return el('li', {className: f.fits.length ? 'good' : 'warn'}, el('strong', {}, f.unit ? t('sn.search.unit', f.unit, f.line) : f.line), f.hex ? el('code', {}, ' ' + f.hex.slice(0, 60)) : '',
      el('p', {}, f.fits.length ? t('sn.fits') + f.fits.map(x => x.name + '：' + x.values.map(v => v.text + ' ' + v.says).join('，')).join('；') : t('sn.search.what')), el('p', {className: 'buttons'}, take));
  })));
}
document.addEventListener('estate', () => { for (const b of document.querySelectorAll('[data-take]')) b.disabled = !estate.buses.some(x => x.id === bus.elements.id.value); });

sensor.profile.onchange = () => { buses(sensor); adapt.sensors(); };
sensor.bus.onchange = adapt.sensors;
$('find').oninput = () => { filter(); buses(sensor); adapt.sensors(); };
output.profile.onchange = () => { buses(output); adapt.outputs(); };
output.bus.onchange = adapt.outputs;

function hints() {
  $('readings').replaceChildren(...estate.sensors.flatMap(s => s.values.map(v => option(s.id + '.' + v.name, (s.name || '') + ' ' + v.text + ' ' + v.says))));
  $('actions').replaceChildren(...estate.outputs.map(o => option(o.id + ' for 60 s', o.name || '')));
  $('arealist').replaceChildren(...estate.areas.map(a => option(a.area, '')));
}

// values returns what stands in a form.
function values(list) {
  const f = formOf[list], all = {};
  for (const e of f.elements) if (e.name) all[e.name] = e.disabled ? '' : e.value;
  for (const k of ['every', 'heartbeat', 'max_on']) if (all[k]) all[k] = lasting(all[k]);
  if (list === 'sensors') all.off = [...f.off];
  return all;
}

function change(list, what) {
  editing = list;
  planned(list + '/plan', what, what.old || what.item.id);
}

for (const l of lists) {
  formOf[l].onsubmit = e => { e.preventDefault(); change(l, {old, item: values(l)}); };
  formOf[l].querySelector('[data-cancel]').onclick = () => { $('edit-' + l).hidden = true; $('change').hidden = true; };
}
for (const [id, list] of [['add-bus', 'buses'], ['add-sensor', 'sensors'], ['add-output', 'outputs'], ['add-rule', 'rules']]) $(id).onclick = () => open(list, '');
window.field.edit = open;
window.field.remove = (list, id) => change(list, {old: id, item: null});
window.field.take = (onBus, x) => open('sensors', '', {bus: onBus, profile: x.fits.length ? x.fits[0].profile : guess(onBus), [x.key || 'topic']: x.address});
// guess returns the first profile that the kind of the bus carries.
const guess = id => { const kind = estate.buses.find(b => b.id === id).kind, p = profiles.find(x => x.senses && x.buses.includes(kind)); return p ? p.id : ''; };
saving(() => {
  $('edit-' + editing).hidden = !(editing === 'buses' && document.querySelector('[data-take]')); // those that were found are taken over now
});
api('GET', 'profiles').then(got => { profiles = got.profiles; }).catch(() => {});
