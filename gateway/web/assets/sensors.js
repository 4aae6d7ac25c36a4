// Sensors, buses, outputs, rules and areas: how they are, live. What a technician does with
// them is in sensorlook.js and sensorforms.js.
'use strict';
const may = document.body.dataset.role === 'technician';
const quiet = 6000;
const pairable = ['serial', 'e22', 'e32', 'rak3172', 'lorawan', 'chirpstack']; // whose senders speak by themselves
let estate = null, seen = Date.now(), skew = 0, source = null, listening = '';

// ago writes how long ago something was, by the box's clock.
function ago(iso) {
  const s = Math.max(0, Math.round((Date.now() + skew - new Date(iso)) / 1000));
  return s < 90 ? t('sn.ago.s', s) : s < 5400 ? t('sn.ago.m', Math.round(s / 60)) : s < 172800 ? t('sn.ago.h', Math.round(s / 3600)) : t('sn.ago.d', Math.round(s / 86400));
}
const since = iso => iso && !iso.startsWith('0001') ? el('span', {className: 'since ago', title: iso}, ago(iso)) : null;
const named = x => x.name ? x.name + ' (' + x.id + ')' : x.id;
const strength = r => t(r >= -90 ? 'sn.strong' : r >= -110 ? 'sn.middling' : 'sn.weak', Math.round(r));
const head = s => [el('span', {className: 'mark'}, t('level.' + s.level)), el('strong', {}, s.text), ' ',
  s.since && !s.since.startsWith('0001') ? el('span', {className: 'since'}, t('since', when(s.since))) : null, s.hint ? el('p', {}, s.hint) : null,
  s.why ? el('details', {}, el('summary', {}, t('why')), el('code', {}, s.why)) : null];

function sensorInfo(s) {
  const values = s.values.filter(v => !s.battery || v.name !== s.battery.name).map(v => el('span', {className: 'value' + (s.stale ? ' old' : '')}, v.text + ' ', el('b', {}, v.says)));
  const e = s.event ? el('span', {className: 'value'}, s.event.text + ' ', el('b', {}, s.event.says), ' ', since(s.event.at)) : null;
  return [...head(s.state), el('p', {className: 'values'}, ...values, e),
    el('p', {className: 'hint'}, [s.profile_text, s.bus || t('sn.local'), s.address && t('sn.address', s.address), s.grid && t('sn.grid', s.grid), s.battery && t('sn.battery', s.battery.says),
      s.rssi !== undefined && strength(s.rssi)].filter(Boolean).join(' · '), s.heard ? ' · ' + t('sn.heard') + ' ' : ' · ' + t('sn.never'), since(s.heard))];
}

function busInfo(b) {
  return [...head(b.state), el('p', {className: 'hint'}, [b.kind_text, b.where, t('sn.reaches', b.sensors), t('sn.counts', b.messages, b.rejected + b.timeouts), b.noise_bytes ? t('sn.noise', b.noise_bytes) : ''].filter(Boolean).join(' · ')),
    b.strangers.length ? el('p', {className: 'stranger'}, t('sn.strangers', b.strangers.length, b.strangers.slice(0, 5).map(x => x.address || '?').join(', '))) : null];
}

const outputInfo = o => [...head(o.state), el('p', {className: 'hint'}, [o.bus, o.grid && t('sn.grid', o.grid), t('sn.max', o.max_on)].filter(Boolean).join(' · '))];

// button makes a button that says what it is about.
function button(label, about, run, className = '') {
  const b = el('button', {type: 'button', className}, label);
  b.setAttribute('aria-label', label + ' ' + about);
  b.onclick = () => run(b);
  return b;
}

// sync keeps the items of a list, so that the focus stays: what is shown of each is written
// anew, its buttons are made once.
function sync(list, items, info, buttons) {
  const ul = $(list), old = new Map([...ul.children].map(li => [li.dataset.key, li]));
  const now = items.map(x => {
    const key = list + '/' + (x.id || x.area);
    let li = old.get(key);
    if (!li) {
      li = el('li', {id: x.id || ''});
      li.dataset.key = key;
      li.append(el('div'), el('p', {className: 'buttons'}, ...(may ? buttons(x).filter(Boolean) : [])));
    }
    const is = JSON.stringify(x);
    if (li.dataset.is !== is) {
      li.dataset.is = is;
      li.className = x.state ? x.state.level : 'good';
      const open = li.querySelector('details.rules')?.open;
      li.firstChild.replaceChildren(...info(x).filter(Boolean));
      if (open) li.querySelector('details.rules').open = true;
    }
    return li;
  });
  if (now.length !== ul.children.length || now.some((li, i) => ul.children[i] !== li)) ul.replaceChildren(...now);
  if (!now.length) ul.replaceChildren(el('li', {}, t('sn.none')));
}

const rulesOf = s => s.rules.length ? el('details', {className: 'rules'}, el('summary', {}, t('sn.raisesof', s.rules.length)), el('ul', {}, ...s.rules.map(r => el('li', {}, r)))) : null;
const act = name => (...args) => window.field && window.field[name](...args);

function show(e) {
  estate = e;
  sync('sensors', e.sensors, s => [...sensorInfo(s), rulesOf(s)], s => [button(t('sn.look'), named(s), () => act('look')({sensor: s.id}, named(s))),
    button(t('edit'), named(s), () => act('edit')('sensors', s.id)), button(t('remove'), named(s), () => act('remove')('sensors', s.id), 'danger')]);
  sync('buses', e.buses, busInfo, b => [button(t('sn.look'), named(b), () => act('look')({bus: b.id}, named(b))), pairable.includes(b.kind) ? button(t('sn.pair'), named(b), () => act('pair')(b.id)) : null,
    button(t('edit'), named(b), () => act('edit')('buses', b.id)), button(t('remove'), named(b), () => act('remove')('buses', b.id), 'danger')]);
  sync('outputs', e.outputs, outputInfo, o => [button(t('sn.try', 3), named(o), b => act('tryOut')(b, o.id, 3)), button(t('sn.off'), named(o), b => act('tryOut')(b, o.id, 0)),
    button(t('edit'), named(o), () => act('edit')('outputs', o.id)), button(t('remove'), named(o), () => act('remove')('outputs', o.id), 'danger')]);
  sync('rules', e.rules, r => [el('strong', {}, r.id), el('p', {}, r.says)], r => [button(t('edit'), r.id, () => act('edit')('rules', r.id)), button(t('remove'), r.id, () => act('remove')('rules', r.id), 'danger')]);
  $('h-areas').hidden = !e.areas.length;
  $('areas').hidden = !e.areas.length;
  sync('areas', e.areas, a => [el('strong', {}, a.area + ' '), t(a.armed ? 'sn.armed' : 'sn.disarmed')], a => [button(t('sn.arm'), a.area, b => act('arm')(b, a.area, true)), button(t('sn.disarm'), a.area, b => act('arm')(b, a.area, false))]);
  document.dispatchEvent(new Event('estate'));
}

function fresh(yes) {
  const banner = $('banner'), icon = $('icon');
  banner.hidden = yes;
  document.body.classList.toggle('stale', !yes);
  icon.href = yes ? icon.dataset.good : icon.dataset.bad;
  const d = new Date(seen);
  if (!yes) banner.textContent = t('stale', clock(d) + ':' + two(d.getSeconds()));
  $('live').textContent = yes ? t('live', clock(d) + ':' + two(d.getSeconds())) : '';
}

// listen opens the one stream of the page, with what comes by a bus or of a sensor if that is
// looked at.
function listen(query) {
  listening = query;
  if (source) source.close();
  source = new EventSource('/api/v1/sensors/' + (query ? 'heard?' + query : 'events'));
  const heard = () => { seen = Date.now(); fresh(true); for (const a of document.querySelectorAll('.ago')) a.textContent = ago(a.title); };
  source.addEventListener('now', e => { heard(); const d = JSON.parse(e.data); skew = new Date(d.at) - Date.now(); if (d.is) show(d.is); });
  source.addEventListener('heard', e => { heard(); act('heard')(JSON.parse(e.data)); });
  const mine = source;
  source.onerror = () => { if (mine === source && mine.readyState === EventSource.CLOSED) setTimeout(() => { if (mine === source) { api('GET', 'sensors').catch(() => {}); listen(listening); } }, 2000); };
}
listen('');
setInterval(() => { if (Date.now() - seen > quiet) fresh(false); }, 1000);
