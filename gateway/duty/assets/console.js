// The console: what is open, live. It never navigates away, since sound needs a gesture in each document.
'use strict';
let now = {state: null, offset: 0, heard: 0, started: false};
const quiet = 9000; // without a sign of life the data are old
const clockNow = () => Date.now() + now.offset;

// ---- incidents: alerts that belong together are one card

function incidents(cards) {
  const groups = new Map();
  for (const c of cards) {
    if (!groups.has(c.incident)) groups.set(c.incident, []);
    groups.get(c.incident).push(c);
  }
  const all = [...groups.entries()].map(([id, list]) => {
    list.sort((a, b) => a.severity - b.severity || a.detected - b.detected);
    return {id, list, main: list[0], severity: list[0].severity, detected: Math.min(...list.map(c => c.detected))};
  });
  all.sort((a, b) => a.severity - b.severity || a.detected - b.detected);
  return all;
}

// flood puts incidents of one source together when there are more than ten in ten minutes (ISA-18.2).
function flood(all) {
  const recent = all.filter(i => clockNow() - i.detected < 600000).length;
  if (recent <= 10) return all.map(i => ({...i, more: []}));
  const bySource = new Map(), out = [];
  for (const i of all) {
    const first = bySource.get(i.main.source);
    if (first) first.more.push(i);
    else { const top = {...i, more: []}; bySource.set(i.main.source, top); out.push(top); }
  }
  return out;
}

const waits = i => i.list.some(c => c.open && c.state === 'raised' && !c.pending.some(p => !p.late && p.action !== 'note'));

// ---- a card

const drafts = {}; // what somebody is writing: incident → {action, note}
const busyCards = new Set();
const errors = {};

async function send(i, action, note) {
  busyCards.add(i.id);
  delete errors[i.id];
  draw();
  try {
    await api('POST', 'answer', {alerts: i.list.map(c => c.id), action, note});
    delete drafts[i.id];
  } catch (e) {
    errors[i.id] = t('failed', e.message);
  } finally {
    busyCards.delete(i.id);
    draw();
  }
}

async function undo(i) {
  try {
    await api('POST', 'undo', {answers: i.list.flatMap(c => c.pending).filter(p => p.undo).map(p => p.id)});
  } catch (e) {
    errors[i.id] = t('failed', e.message);
    draw();
  }
}

async function fetchClip(c, i) {
  try {
    await api('POST', 'clip/' + c.id);
  } catch (e) {
    errors[i.id] = t('failed', e.message);
    draw();
  }
}

function clipPart(i) {
  const c = i.list.find(c => c.clip && c.clip.status === 'here') || i.list.find(c => c.clip) || i.list.find(c => c.canClip);
  if (!c) return null;
  const job = c.clip;
  if (!job) return el('button', {type: 'button', className: 'clip', onclick: () => fetchClip(c, i)}, '▶ ' + t('clip'));
  if (job.status === 'here') return el('video', {src: '/clip/' + c.id, controls: true, preload: 'metadata', className: 'video'});
  if (job.status === 'failed') return el('button', {type: 'button', className: 'clip', onclick: () => fetchClip(c, i)}, t('clipbad', job.why));
  return el('p', {className: 'clip', role: 'status'}, job.status === 'coming' ? t('clipcome', job.percent) : t('clipwait'),
    el('progress', {max: 100, value: job.percent, 'aria-label': t('clip')}));
}

function planPart(p) {
  if (!p) return null;
  return el('details', {className: 'plan', open: true}, el('summary', {}, t('plan')),
    (p.steps || []).length ? el('ol', {}, ...p.steps.map(s => el('li', {}, s))) : null,
    (p.call || []).length ? el('p', {className: 'calls'}, t('call') + '：', ...p.call.map(c => el('a', {href: 'tel:' + c.phone.replace(/[^+\d]/g, ''), className: 'tel'}, '☎ ' + c.name + ' ' + c.phone))) : null);
}

const actionsFor = state => state === 'raised' ? ['ack', 'dispatch', 'handled'] : state === 'acknowledged' ? ['dispatch', 'handled'] : ['handled'];

function buttons(i) {
  const c = i.main, sending = busyCards.has(i.id), pending = i.list.flatMap(c => c.pending).filter(p => !p.late);
  const rank = {ack: 1, dispatch: 2, handled: 3, false: 3}, have = Math.max(0, ...pending.map(p => rank[p.action] || 0));
  const list = actionsFor(c.state).filter(a => rank[a] > have);
  const row = el('div', {className: 'acts'});
  for (const [n, action] of list.entries()) {
    row.append(el('button', {type: 'button', className: 'act ' + (n === 0 ? 'main' : ''), disabled: sending, onclick: () => {
      if (action === 'ack') send(i, action, ''); else { drafts[i.id] = {action, note: ''}; draw(i.id); }
    }}, sending && n === 0 ? t('sending') : t(action)));
  }
  if (have < 3) row.append(el('button', {type: 'button', className: 'act apart', disabled: sending, onclick: () => { drafts[i.id] = {action: 'false', note: ''}; draw(i.id); }}, t('false')));
  return row;
}

function draftPart(i) {
  const d = drafts[i.id];
  if (!d) return null;
  const ask = {dispatch: 'whom', handled: 'found', false: 'reason'}[d.action];
  const input = el('input', {value: d.note, maxLength: 200, className: 'note', oninput: e => { d.note = e.target.value; }});
  const form = el('form', {className: 'draft', onsubmit: e => { e.preventDefault(); send(i, d.action, d.note); }},
    el('label', {}, t(ask), input),
    el('button', {className: 'act main', disabled: busyCards.has(i.id)}, t(d.action)),
    el('button', {type: 'button', className: 'act', onclick: () => { delete drafts[i.id]; draw(i.id); }}, t('cancel')));
  return form;
}

function pendingPart(i) {
  const lines = [], seen = new Set();
  for (const c of i.list) for (const p of c.pending) {
    const left = Math.ceil((p.undo - clockNow()) / 1000);
    const words = p.late ? t('late', p.text) : left > 0 ? t('held', p.text, left) : c.offline ? t('stuck', p.text) : t('pending', p.text);
    if (seen.has(words)) continue;
    seen.add(words);
    lines.push(el('p', {className: 'pending' + (p.late || c.offline ? ' warn' : ''), role: 'status'}, words, ' ',
      left > 0 && !p.late ? el('button', {type: 'button', className: 'quiet', onclick: () => undo(i)}, t('undo', left)) : null));
  }
  return lines;
}

function countdown(i) {
  const open = i.list.filter(c => c.open), raised = open.filter(c => c.state === 'raised');
  const due = raised.length ? Math.min(...raised.map(c => c.respond)) : Math.min(...open.map(c => c.handle));
  const left = Math.round((due - clockNow()) / 1000), over = left < 0, s = Math.abs(left);
  const text = (s >= 3600 ? Math.floor(s / 3600) + ':' + two(Math.floor(s / 60) % 60) : Math.floor(s / 60)) + ':' + two(s % 60);
  return {over, text, label: t(raised.length ? (over ? 'overrespond' : 'respond') : (over ? 'overhandle' : 'handle')), raised: raised.length > 0};
}

const shapes = {1: '▲', 2: '◆', 3: '●', 4: '○'};

function card(i) {
  const c = i.main, cd = countdown(i);
  const a = el('article', {className: 'card s' + c.severity + (waits(i) ? ' waits' : '') + (cd.over ? ' over' : ''), role: 'listitem', 'aria-labelledby': 'h-' + i.id});
  a.dataset.id = i.id;
  const pic = i.list.find(c => c.picture);
  a.append(
    pic ? el('img', {src: '/thumb/' + pic.id, alt: t('picture', c.what), className: 'pic'}) : el('div', {className: 'pic empty'}, t('nopicture')),
    el('div', {className: 'text'},
      el('h2', {id: 'h-' + i.id}, el('span', {className: 'mark', 'aria-hidden': 'true'}, shapes[c.severity]), ' ', c.what, ' ', el('span', {className: 'sev'}, t('severity', c.severity))),
      el('p', {className: 'where'}, c.where),
      el('p', {}, when(i.detected) + ' · ' + c.stands + (c.by ? ' · ' + c.by : '') + (c.note ? '：' + c.note : '')),
      c.facts.length ? el('p', {className: 'facts'}, c.facts.join(' · ')) : null,
      i.list.length > 1 ? el('details', {}, el('summary', {}, t('group', i.list.length)), el('ul', {}, ...i.list.map(x => el('li', {}, when(x.detected) + ' ' + x.what + ' · ' + x.where + ' · ' + x.stands)))) : null,
      i.more.length ? el('p', {className: 'facts'}, t('source', i.more.length)) : null,
      i.list.some(x => x.offline) ? el('p', {className: 'pending warn'}, t('offline')) : null),
    el('p', {className: 'timer', role: 'timer'}, el('span', {className: 'tl'}), el('b', {className: 'tv'})),
    el('div', {className: 'side'}, ...[planPart(c.plan), clipPart(i)].filter(Boolean)),
    ...pendingPart(i),
    ...[errors[i.id] ? el('p', {className: 'strip bad', role: 'alert'}, errors[i.id]) : null, draftPart(i) || buttons(i)].filter(Boolean));
  return a;
}

// ---- drawing: a card is made anew only when what it shows has changed

function keyOf(i) {
  return JSON.stringify([i.list, i.more.length, drafts[i.id] && drafts[i.id].action, busyCards.has(i.id), errors[i.id], countdown(i).over, waits(i),
    i.list.flatMap(c => c.pending).map(p => Math.ceil(Math.max(0, p.undo - clockNow()) / 1000))]);
}

function draw(focus) {
  const st = now.state;
  if (!st || !now.started) return;
  const all = flood(incidents(st.cards)), box = $('cards'), have = new Map([...box.children].map(e => [e.dataset.id, e]));
  const active = document.activeElement && document.activeElement.closest('.card');
  const keep = active && active.dataset.id, index = active ? [...active.querySelectorAll('button,input,a,summary')].indexOf(document.activeElement) : -1;
  const order = all.map(i => {
    const key = keyOf(i);
    let e = have.get(i.id);
    if (!e || e.dataset.key !== key) {
      const fresh = card(i);
      fresh.dataset.key = key;
      for (const [n, d] of [...(e ? e.querySelectorAll('details') : [])].entries()) { const f = fresh.querySelectorAll('details')[n]; if (f) f.open = d.open; }
      const playing = e && e.querySelector('video');
      if (playing && fresh.querySelector('video')) fresh.querySelector('video').replaceWith(playing);
      if (e) e.replaceWith(fresh); else box.append(fresh);
      e = fresh;
    }
    return e;
  });
  for (const e of have.values()) if (!all.some(i => i.id === e.dataset.id)) e.remove();
  order.forEach((e, n) => { if (box.children[n] !== e) box.insertBefore(e, box.children[n] || null); });
  tick();
  if (focus) {
    const e = [...box.children].find(x => x.dataset.id === focus), first = e && (e.querySelector('.draft input') || e.querySelector('.acts button'));
    if (first) first.focus();
  } else if (keep && !document.activeElement.closest('.card')) {
    const e = [...box.children].find(x => x.dataset.id === keep), list = e ? e.querySelectorAll('button,input,a,summary') : [];
    if (list[Math.min(index, list.length - 1)]) list[Math.min(index, list.length - 1)].focus({preventScroll: true});
  }
  $('none').hidden = all.length > 0 || document.body.classList.contains('stale');
  $('count').textContent = st.open ? '(' + st.open + ')' : '';
  if (st.open > st.cards.length) $('count').textContent = t('shown', st.open, st.cards.length);
}

// tick moves what changes each second.
function tick() {
  const st = now.state;
  if (!st) return;
  for (const i of flood(incidents(st.cards))) {
    const e = [...$('cards').children].find(x => x.dataset.id === i.id);
    if (!e) continue;
    const cd = countdown(i);
    e.querySelector('.tl').textContent = cd.label + ' ';
    e.querySelector('.tv').textContent = cd.text;
    e.classList.toggle('over', cd.over);
    e.classList.toggle('waits', waits(i));
  }
}

// ---- whether the data can be believed

function trust() {
  const st = now.state, banner = $('banner'), icon = $('icon');
  let bad = '';
  if (Date.now() - now.heard > quiet) bad = t('stale', st ? clock(st.now) : '–');
  else if (st) {
    const down = st.brokers.find(b => !b.up);
    if (down) bad = t('broker', down.name, when(down.since));
  }
  banner.hidden = !bad;
  if (banner.textContent !== bad) banner.textContent = bad;
  document.body.classList.toggle('stale', !!bad);
  $('none').hidden = !!bad || !st || st.cards.length > 0; // no data is not no alerts
  const href = bad ? icon.dataset.bad : icon.dataset.good;
  if (icon.getAttribute('href') !== href) icon.setAttribute('href', href);
  if (!bad && st) $('live').textContent = t('live', clock(clockNow()) + ':' + two(new Date(clockNow()).getSeconds()));
  else $('live').textContent = '';
  const lost = st ? st.lost : [];
  $('lost').hidden = !lost.length;
  const words = lost.length ? t('lost', lost.length, lost.slice(0, 5).map(g => t('since', g.name, when(g.since))).join('; ') + (lost.length > 5 ? ' …' : '')) : '';
  if ($('lost').textContent !== words) $('lost').textContent = words;
  return !bad;
}

// ---- sound: until somebody has acknowledged, and again when something is overdue

let lastSound = 0, lastLost = 0;
const overdueTold = new Set();

function sound() {
  if (!now.started) return;
  $('mute').hidden = !tone.silent();
  const st = now.state, t0 = Date.now();
  if (document.body.classList.contains('stale')) {
    if (t0 - lastLost > 20000) { lastLost = t0; tone.lost(); }
    return;
  }
  if (!st) return;
  const all = incidents(st.cards);
  for (const i of all) {
    const cd = countdown({...i, more: []});
    const key = i.id + (cd.raised ? 'r' : 'h');
    if (cd.over && !overdueTold.has(key)) { overdueTold.add(key); lastSound = t0; tone.late(); return; }
  }
  const open = all.filter(waits);
  if (!open.length) return;
  const grave = open.some(i => i.severity <= 2);
  if (t0 - lastSound > (grave ? 5000 : 15000)) { lastSound = t0; tone.alarm(grave); }
}

const known = new Set();
function announce(cards, first) {
  for (const c of cards) {
    if (known.has(c.id)) continue;
    known.add(c.id);
    if (!first && c.state === 'raised') { lastSound = 0; $('announce').textContent = t('new', c.what, c.where); }
  }
}

// ---- the stream

let source = null;
function listen() {
  source = new EventSource('/api/events');
  source.addEventListener('state', e => {
    const st = JSON.parse(e.data), first = !now.state;
    now.state = st; now.offset = st.now - Date.now(); now.heard = Date.now();
    announce(st.cards, first);
    if (now.started) person(st.person || now.person);
    draw(); trust(); sound();
  });
  source.addEventListener('beat', e => {
    const b = JSON.parse(e.data);
    now.heard = Date.now(); now.offset = b.now - Date.now();
    if (now.state) now.state.now = b.now;
    trust();
  });
  source.onerror = () => {
    if (source.readyState !== EventSource.CLOSED) return;
    api('GET', 'state').catch(() => {}); // signed out: it leads to the page for that
    setTimeout(listen, 3000);
  };
}

// ---- the shift

function person(name) {
  const mine = now.started && name;
  $('shift').hidden = mine;
  $('board').hidden = !mine;
  $('onduty').textContent = name ? t('onduty', name) : '';
}

async function begin(name) {
  await Promise.race([tone.wake().catch(() => {}), new Promise(r => setTimeout(r, 500))]); // a browser may never let it sound
  tone.test();
  now.started = true;
  now.person = name;
  await api('POST', 'shift', {person: name});
  person(name);
  draw(); trust(); sound(); wakeLock();
  $('boardh').tabIndex = -1;
  $('boardh').focus();
}

async function wakeLock() {
  try { await navigator.wakeLock.request('screen'); } catch { /* not over plain HTTP */ }
}

for (const b of document.querySelectorAll('.person')) b.onclick = () => begin(b.dataset.person).catch(e => { now.started = false; $('banner').hidden = false; $('banner').textContent = t('failed', e.message); });
$('change').onclick = () => { now.started = false; person(''); };
$('test').onclick = () => tone.wake().then(tone.test);
$('unmute').onclick = () => tone.wake().then(() => { tone.test(); $('mute').hidden = !tone.silent(); });
document.addEventListener('visibilitychange', () => { if (!document.hidden && now.started) wakeLock(); });
now.heard = Date.now();
listen();
setInterval(() => {
  if (trust() && now.state && now.state.cards.some(c => c.pending.some(p => p.undo > clockNow() - 1500))) draw();
  tick(); sound();
}, 1000);
