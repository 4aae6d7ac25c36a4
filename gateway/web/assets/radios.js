// Radios and intercoms: how they are, and who calls, live. Who is not known is named here.
'use strict';
const may = document.body.dataset.role === 'technician', quiet = 6000;
let source = null, seen = Date.now(), wave = '';

const named = x => x.name ? x.name + ' (' + x.id + ')' : x.id;
function button(label, about, run, className = '') {
  const b = el('button', {type: 'button', className}, label);
  b.setAttribute('aria-label', label + ' ' + about);
  b.onclick = run;
  return b;
}
const head = s => [el('span', {className: 'mark'}, t('level.' + s.level)), el('strong', {}, s.text), ' ', s.since && !s.since.startsWith('0001') ? el('span', {className: 'since'}, t('since', when(s.since))) : null,
  s.why ? el('details', {}, el('summary', {}, t('why')), el('code', {}, s.why)) : null];
const folded = (open, key, title, items) => items.length ? Object.assign(el('details', {className: key, open: open.has(key)}, el('summary', {}, title), el('ul', {}, ...items))) : null;

function item(r) {
  const old = document.getElementById(r.id), open = new Set(old ? [...old.querySelectorAll('details[open]')].map(d => d.className) : []);
  return el('li', {className: r.state.level, id: r.id}, ...head(r.state).filter(Boolean), el('p', {className: 'hint'}, [r.driver_text, r.grid && t('sn.grid', r.grid)].filter(Boolean).join(' · ')),
    el('ul', {className: 'lines'}, ...r.stations.map(s => el('li', {className: s.state.level}, ...head(s.state).filter(Boolean)))),
    folded(open, 'units', t('rd.units', r.units.length), r.units.map(u => el('li', {}, [u.id, u.name, u.place, u.grid && t('sn.grid', u.grid)].filter(Boolean).join(' · '), ' ', may ? button(t('edit'), u.name, () => name(r.id, u)) : ''))),
    folded(open, 'alerts', t('rd.alerts', r.rules.length), r.rules.map(x => el('li', {}, x))),
    may ? el('p', {className: 'buttons'}, button(t('remove'), named(r), () => planned('radios/plan', {old: r.id, item: null}, r.id), 'danger')) : null);
}

function callRow(c) {
  const d = new Date(c.at), who = c.from_name ? c.from_name + ' (' + c.from + ')' : c.from || c.station || '';
  const how = c.kind === 'begin' ? c.active ? t('rd.going') : c.seconds ? t('rd.seconds', c.seconds) : '' : '';
  const row = el('tr', {className: c.alert ? 'bad' : ''}, el('td', {className: 'num'}, when(c.at) + ':' + two(d.getSeconds())),
    el('td', {}, el('strong', {}, who), c.place ? ' ' + c.place : '', c.unknown ? el('span', {className: 'badtext'}, ' ' + t('rd.unknown') + ' ') : '', c.unknown && may ? button(t('rd.name'), c.from, () => name(c.system, {id: c.from})) : ''),
    el('td', {}, c.to_name || c.to || ''), el('td', {}, [c.says, how].filter(Boolean).join(' ')), el('td', {}, [c.system, c.station, c.channel].filter(Boolean).join(' · ')));
  for (const i of [2, 4]) row.cells[i].dataset.label = $('heard').parentElement.tHead.rows[0].cells[i].textContent; // on a phone
  return row;
}

function show(e) {
  const focus = document.activeElement && document.activeElement.getAttribute('aria-label');
  $('heard').replaceChildren(...(e.heard.length ? e.heard.map(callRow) : [el('tr', {}, el('td', {colSpan: 5}, t('sn.none')))]));
  $('radios').replaceChildren(...(e.radios.length ? e.radios.map(item) : [el('li', {}, t('sn.none'))]));
  if (focus) [...document.querySelectorAll('[aria-label]')].find(b => b.getAttribute('aria-label') === focus)?.focus();
}

function fresh(yes) {
  const banner = $('banner'), d = new Date(seen);
  banner.hidden = yes;
  document.body.classList.toggle('stale', !yes);
  if (!yes) banner.textContent = t('stale', clock(d) + ':' + two(d.getSeconds()));
  $('live').textContent = yes ? t('live', clock(d) + ':' + two(d.getSeconds())) : '';
}
function listen() {
  source = new EventSource('/api/v1/radios/events');
  source.addEventListener('now', e => { seen = Date.now(); fresh(true); const d = JSON.parse(e.data); if (d.is) show(d.is); });
  source.onerror = () => { if (source.readyState === EventSource.CLOSED) setTimeout(() => { api('GET', 'radios').catch(() => {}); listen(); }, 2000); };
}
listen();
setInterval(() => { if (Date.now() - seen > quiet) fresh(false); }, 1000);

// name opens the form for somebody who calls.
function name(system, u) {
  wave = system;
  const f = $('nameform');
  f.unit.value = u.id;
  f.elements.name.value = u.name || '';
  f.grid.value = u.grid || '';
  f.place.value = u.place || '';
  $('edit').hidden = $('change').hidden = true;
  $('name').hidden = false;
  $('h-name').focus();
  $('name').scrollIntoView({block: 'start'});
}

const values = f => Object.fromEntries([...f.elements].filter(e => e.name && !e.disabled).map(e => [e.name, e.value]));
if (may) {
  const form = $('form');
  const adapt = () => {
    for (const l of form.querySelectorAll('[data-kind]')) {
      l.hidden = !l.dataset.kind.split(' ').includes(form.driver.value);
      for (const i of l.querySelectorAll('input')) i.disabled = l.hidden;
    }
    $('where-text').textContent = t('rd.where.' + form.driver.value);
  };
  form.driver.onchange = adapt;
  form.onsubmit = e => { e.preventDefault(); planned('radios/plan', {old: '', item: values(form)}, form.elements.id.value); };
  $('nameform').onsubmit = e => { e.preventDefault(); planned('radios/' + encodeURIComponent(wave) + '/units/plan', values($('nameform')), $('nameform').unit.value); };
  $('add').onclick = () => { form.reset(); adapt(); $('name').hidden = $('guide').hidden = $('change').hidden = true; $('edit').hidden = false; $('h-edit').focus(); $('edit').scrollIntoView({block: 'start'}); };
  const guide = $('guideform');
  let guides = [];
  const pick = () => {
    const g = guides.find(x => x.id === guide.guide.value);
    $('steps').replaceChildren(...(g ? g.steps : []).map(x => el('li', {}, x)));
    guide.yaml.value = g ? g.yaml : '';
  };
  const filter = () => {
    const words = $('findguide').value.toLowerCase().split(/\s+/).filter(Boolean);
    guide.guide.replaceChildren(...guides.filter(g => words.every(w => [g.id, g.zh, g.en, ...g.models].join(' ').toLowerCase().includes(w)))
      .map(g => el('option', {value: g.id}, (document.documentElement.lang === 'en' ? g.en : g.zh) + ' — ' + g.models.join(', '))));
  };
  $('findguide').oninput = () => { filter(); if (guide.guide.options.length) { guide.guide.selectedIndex = 0; pick(); } };
  guide.guide.onchange = pick;
  guide.onsubmit = e => { e.preventDefault(); planned('radios/plan', {old: '', item: null, yaml: guide.yaml.value}, guide.guide.value); };
  $('byguide').onclick = async () => {
    try { guides = (await api('GET', 'radios/guides')).guides; } catch (e) { say($('said'), 'bad', t('failed', e.message)); return; }
    filter();
    guide.guide.selectedIndex = 0;
    pick();
    $('name').hidden = $('edit').hidden = $('change').hidden = true;
    $('guide').hidden = false;
    $('h-guide').focus();
    $('guide').scrollIntoView({block: 'start'});
  };
  for (const b of document.querySelectorAll('[data-cancel]')) b.onclick = () => { $(b.dataset.cancel).hidden = $('change').hidden = true; };
  saving(() => { $('name').hidden = $('edit').hidden = $('guide').hidden = true; });
}
