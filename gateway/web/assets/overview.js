// The overview, live. Old data never looks current: when nothing has come for some
// seconds a banner says so, with the time of what is shown.
'use strict';
let seen = 0, shown = null;
const quiet = 7000, firstAlerts = 2; // of each group, that are shown unfolded
const unfolded = new Set(); // groups

function lineItem(l) {
  const link = l.link && l.level !== 'good' ? el('a', {className: 'to', href: l.link}, t('mend') + ' →') : null;
  return el('li', {className: l.level}, el('span', {className: 'mark'}, t('level.' + l.level)), el('strong', {}, l.text), ' ',
    l.since ? el('span', {className: 'since'}, t('since', when(l.since))) : null, link,
    l.about === 'camera' ? el('a', {className: 'to', href: '/camera/' + encodeURIComponent(l.id)}, t('view')) : null,
    l.detail ? el('p', {className: 'hint'}, l.detail) : null,
    l.hint ? el('p', {}, l.hint) : null,
    l.why ? el('details', {}, el('summary', {}, t('why')), el('code', {}, l.why)) : null);
}

const may = ['duty', 'technician'].includes(document.body.dataset.role);

function alertCard(a) {
  const place = [a.device_text, a.zone && a.zone !== 'all' ? a.zone : '', a.floor || ''].filter(Boolean).join(' · ');
  const card = el('article', {className: 'card s' + a.severity},
    a.picture ? el('img', {src: a.picture, alt: t('picture'), loading: 'lazy'}) : el('div', {className: 'none'}, t('nopicture')),
    el('div', {}, el('h4', {}, a.kind_text), el('p', {}, place),
      el('p', {}, t('severity', a.severity) + ' · ' + when(a.detected_at) + (a.count > 1 ? ' · ' + t('count', a.count) : '')),
      el('p', {}, a.state_text)));
  card.dataset.id = a.id;
  if (!may) return card;
  const said = el('p', {className: 'strip bad', hidden: true}); said.setAttribute('role', 'alert');
  const acts = el('div', {className: 'acts'});
  const next = a.state === 'raised' ? ['ack', 'dispatch', 'false'] : a.state === 'acknowledged' ? ['dispatch', 'handled', 'false'] : ['handled', 'false'];
  next.forEach((action, i) => {
    const b = el('button', {type: 'button', className: i === 0 ? 'main' : ''}, t(action));
    b.onclick = () => busy(b, () => api('POST', 'alerts/' + a.id + '/answer', {action, note: ''}).then(refresh)).catch(e => say(said, 'bad', t('failed', e.message)));
    acts.append(b);
  });
  card.append(acts, said);
  return card;
}

// alertGroups shows alerts by what they belong to; those of a group come one after the other.
function alertGroups(all) {
  const groups = new Map();
  for (const a of all) groups.set(a.group, [...groups.get(a.group) || [], a]);
  return [...groups].map(([key, of], i) => {
    const rest = of.slice(firstAlerts), fold = rest.length ? el('details', {open: unfolded.has(key)}, el('summary', {}, t('alertsmore', rest.length)), el('div', {className: 'cards'}, ...rest.map(alertCard))) : null;
    if (fold) fold.ontoggle = () => unfolded[fold.open ? 'add' : 'delete'](key);
    const head = el('h3', {id: 'group-' + i}, t('groupcount', of[0].group_text, of.length)), group = el('div', {className: 'group cards'}, head, ...of.slice(0, firstAlerts).map(alertCard), fold);
    group.setAttribute('role', 'group');
    group.setAttribute('aria-labelledby', head.id);
    return group;
  });
}

// put replaces children only when they differ, so that focus and open details stay.
function put(where, key, make) {
  if (where.dataset.key === key) return;
  where.dataset.key = key;
  where.replaceChildren(...make());
}

// names says what is wrong, the worst first, as far as one line goes.
const names = all => all.slice(0, 3).map(l => l.label ? l.label + ' ' + l.value : l.text).join(t('also')) + (all.length > 3 ? ' …' : '');

function show(o) {
  shown = o;
  $('site').textContent = o.gateway;
  put($('lines'), JSON.stringify(o.lines), () => o.lines.map(lineItem));
  const wrong = [...o.lines, ...o.vitals].filter(l => l.level !== 'good'), worst = wrong.some(l => l.level === 'bad') ? 'bad' : wrong.length ? 'warn' : 'good';
  say($('sum'), worst, wrong.length ? t('trouble', wrong.length, names(wrong)) : t('allwell'));
  put($('alerts'), JSON.stringify([o.alerts, o.open_alerts]), () => {
    if (!o.alerts.length) return [el('p', {}, t('noalerts'))];
    return [...alertGroups(o.alerts),
      o.open_alerts > o.alerts.length ? el('p', {}, t('more', o.open_alerts - o.alerts.length)) : null].filter(Boolean);
  });
  put($('vitals'), JSON.stringify(o.vitals), () => o.vitals.map(v => el('div', {className: v.level}, el('dt', {}, v.label), el('dd', {}, v.value), v.hint ? el('dd', {className: 'todo'}, v.hint) : null)));
  put($('lanes'), JSON.stringify(o.lanes), () => o.lanes.map(l => el('tr', {}, el('td', {}, l.label), ...[l.depth, bytes(l.bytes),
    l.depth ? t('since', when(new Date(new Date(o.at) - 1000 * l.oldest_seconds))) : '–', l.dropped].map(x => el('td', {className: 'num'}, String(x))))));
  const d = new Date(o.at);
  $('live').textContent = t('live', clock(d) + ':' + two(d.getSeconds()));
}

function fresh(yes) {
  const banner = $('banner'), icon = $('icon');
  banner.hidden = yes;
  document.body.classList.toggle('stale', !yes);
  icon.href = yes ? icon.dataset.good : icon.dataset.bad;
  if (!yes && shown) {
    const d = new Date(shown.at);
    banner.textContent = t('stale', clock(d) + ':' + two(d.getSeconds()));
    $('live').textContent = '';
  }
}

const refresh = () => api('GET', 'overview').then(show);
const source = new EventSource('/api/v1/events');
source.addEventListener('overview', e => { seen = Date.now(); show(JSON.parse(e.data)); fresh(true); });
source.onerror = () => { if (source.readyState === EventSource.CLOSED) api('GET', 'overview').catch(() => {}).finally(() => setTimeout(() => location.reload(), 5000)); };
seen = Date.now();
setInterval(() => { if (Date.now() - seen > quiet) fresh(false); }, 1000);
