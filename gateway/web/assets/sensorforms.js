// Forms for buses, sensors, outputs and rules. A change is shown before it is saved.
'use strict';
const lists = ['buses', 'sensors', 'outputs', 'rules'];
const formOf = Object.fromEntries(lists.map(l => [l, document.querySelector('form[data-list=' + l + ']')]));
let forms = null, profiles = [], old = '', editing = '', plan = null;
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
  const fit = forms.buses.filter(b => kinds.includes(b.kind));
  f.bus.replaceChildren(...(kinds.includes('') ? [option('', t('sn.local'))] : []), ...fit.map(b => option(b.id, b.name ? b.name + ' (' + b.id + ')' : b.id)));
  if (keep && [...f.bus.options].some(o => o.value === keep)) f.bus.value = keep;
  if (f === sensor) say($('nobus'), 'warn', f.bus.options.length ? '' : t('sn.nobus', kinds.map(k => t('bus.' + k)).join(' / ')));
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
bus.kind.onchange = adapt.buses;
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
  if (list === 'sensors') all.off = [...f.off];
  return all;
}

async function planned(list, what) {
  try {
    editing = list;
    plan = await api('POST', list + '/plan', what);
    plan.note = what.old || what.item.id;
    showChange(plan);
    $('save').disabled = plan.problems.length > 0 || !plan.changed;
    $('h-change').focus();
    $('change').scrollIntoView({block: 'start'});
  } catch (e) {
    say($('said'), 'bad', t('failed', e.message));
    $('said').scrollIntoView({block: 'nearest'});
  }
}

for (const l of lists) {
  formOf[l].onsubmit = e => { e.preventDefault(); planned(l, {old, item: values(l)}); };
  formOf[l].querySelector('[data-cancel]').onclick = () => { $('edit-' + l).hidden = true; $('change').hidden = true; };
}
for (const [id, list] of [['add-bus', 'buses'], ['add-sensor', 'sensors'], ['add-output', 'outputs'], ['add-rule', 'rules']]) $(id).onclick = () => open(list, '');
window.field.edit = open;
window.field.remove = (list, id) => planned(list, {old: id, item: null});
window.field.take = (onBus, x) => open('sensors', '', {bus: onBus, profile: x.fits.length ? x.fits[0].profile : guess(onBus), [x.key || 'topic']: x.address});
// guess returns the first profile that the kind of the bus carries.
const guess = id => { const kind = estate.buses.find(b => b.id === id).kind, p = profiles.find(x => x.senses && x.buses.includes(kind)); return p ? p.id : ''; };
$('discard').onclick = () => { $('change').hidden = true; };
$('save').onclick = () => busy($('save'), async () => {
  try {
    saved(await api('PUT', 'config', {body: plan.body, base: plan.base, note: plan.note}));
    $('edit-' + editing).hidden = true;
  } catch (e) {
    say($('said'), 'bad', t('failed', e.message));
  }
  $('said').scrollIntoView({block: 'nearest'});
});
api('GET', 'profiles').then(got => { profiles = got.profiles; }).catch(() => {});
