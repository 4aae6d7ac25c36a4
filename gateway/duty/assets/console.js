// The console: what is open, live. It never navigates away, since sound needs a gesture in each document.
'use strict';
let now = {state: null, offset: 0, heard: 0, tried: 0, out: false, started: false, choosing: false};
const quiet = 9000; // without a sign of life the data are old
const again = 15000; // without one it is asked anew: a console without power ends no connection
const clockNow = () => Date.now() + now.offset;

// ---- drawing: only what has changed is made anew, so that neither the focus nor what somebody types is lost

const shownCards = new Map(); // elements by incident

// same says whether a part that is shown may stay.
function same(old, fresh) {
  if (old.dataset.part === 'timer') return true; // tick's
  if (old.dataset.draft) return old.dataset.draft === fresh.dataset.draft && !!old.querySelector('[aria-disabled]') === !!fresh.querySelector('[aria-disabled]');
  const open = [...old.querySelectorAll('details')].map(d => d.open);
  for (const [n, d] of [...fresh.querySelectorAll('details')].entries()) if (n < open.length) d.open = open[n];
  for (const s of old.querySelectorAll('.left')) s.textContent = '';
  return old.isEqualNode(fresh);
}

// renew makes a card's element show an incident.
function renew(e, i) {
  const fresh = card(i), old = new Map([...e.children].map(c => [c.dataset.part, c]));
  const parts = [...fresh.children].map(f => old.has(f.dataset.part) && same(old.get(f.dataset.part), f) ? old.get(f.dataset.part) : f);
  for (const c of [...e.children]) if (!parts.includes(c)) c.remove();
  parts.forEach((p, n) => { if (e.children[n] !== p) e.insertBefore(p, e.children[n] || null); });
  e.setAttribute('aria-labelledby', fresh.getAttribute('aria-labelledby'));
}

// refocus gives the focus, which went with what was removed, to what is nearest.
function refocus(id, act, n) {
  const box = $('cards'), e = shownCards.get(id), other = box.children[Math.min(n, box.children.length - 1)];
  const to = e ? act && e.querySelector('[data-act="' + act + '"]') || e.querySelector('.note, .acts button') || e.querySelector('h2') : other ? other.querySelector('h2') : $('boardh');
  to.focus({preventScroll: !!e});
}

const keyOf = i => JSON.stringify([i.list, i.more, drafts.has(i.id) && drafts.get(i.id).action, busyCards.has(i.id), errors.get(i.id),
  i.list.flatMap(c => c.pending).map(p => p.undo > clockNow())]);

function draw(focus) {
  const st = now.state;
  if (!st || !now.started) return;
  const all = flood(incidents(st.cards)), box = $('cards'), active = document.activeElement, from = active && active.closest('.card');
  const at = from ? [...box.children].indexOf(from) : 0;
  live.clear();
  for (const i of all) live.set(i.id, i);
  for (const [id, e] of shownCards) if (!live.has(id)) { e.remove(); shownCards.delete(id); drafts.delete(id); errors.delete(id); }
  all.forEach((i, n) => {
    let e = shownCards.get(i.id);
    const key = keyOf(i);
    if (!e) { e = card(i); shownCards.set(i.id, e); } else if (e.dataset.key !== key) renew(e, i);
    e.dataset.key = key;
    if (box.children[n] !== e) box.insertBefore(e, box.children[n] || null);
  });
  tick();
  if (focus && shownCards.has(focus)) refocus(focus, '', at);
  else if (from && !document.activeElement.closest('.card')) refocus(from.dataset.id, active.dataset.act, at);
  $('none').hidden = all.length > 0 || document.body.classList.contains('stale');
  const count = st.open > st.cards.length ? t('shown', st.open, st.cards.length) : !st.open ? '' : all.length === st.open ? aside(st.open) : t('counted', all.length, st.open);
  if ($('count').textContent !== count) $('count').textContent = count;
}

// tick moves what changes each second.
function tick() {
  for (const [id, e] of shownCards) {
    const i = live.get(id), cd = countdown(i);
    e.querySelector('.tl').textContent = cd.label + ' ';
    e.querySelector('.tv').textContent = cd.text;
    e.className = 'card s' + i.main.severity + (waits(i) ? ' waits' : '') + (i.list.every(x => x.test) ? ' test' : '') + (cd.over ? ' over' : '');
    for (const s of e.querySelectorAll('.left')) s.textContent = t('seconds', Math.max(0, Math.ceil((s.dataset.until - clockNow()) / 1000)));
  }
}

// ---- whether the data can be believed

function trust() {
  const st = now.state, banner = $('banner'), icon = $('icon');
  let bad = '', why = '';
  if (now.out) bad = t('out');
  else if (Date.now() - now.heard > quiet) bad = t('stale', st ? clock(st.now) : '–');
  else if (st) {
    const down = st.brokers.find(b => !b.up);
    if (down) { bad = t('broker', when(down.since)); why = down.name + (down.why ? ' · ' + down.why : ''); }
  }
  banner.hidden = !bad;
  if (banner.dataset.said !== bad + why) {
    banner.dataset.said = bad + why;
    banner.replaceChildren(el('p', {}, bad), ...why ? [el('details', {}, el('summary', {}, t('why')), why)] : []);
  }
  document.body.classList.toggle('stale', !!bad);
  $('none').hidden = !!bad || !st || st.cards.length > 0; // no data is not no alerts
  const href = bad ? icon.dataset.bad : icon.dataset.good;
  if (icon.getAttribute('href') !== href) icon.setAttribute('href', href);
  if (!bad && st) $('live').textContent = t('live', parted(st.now)[1]);
  else $('live').textContent = '';
  const lost = st ? st.lost : [];
  $('lost').hidden = !lost.length;
  const words = lost.length ? t('lost', lost.length, lost.slice(0, 5).map(g => t('since', g.name, when(g.since))).join(t('semicolon')) + (lost.length > 5 ? ' …' : '')) : '';
  if ($('lost').textContent !== words) $('lost').textContent = words;
  failures(st ? st.broken : []);
  return !bad;
}

// failures says which cameras, sensors and radios have failed: each in a line, or how many there are where they are many.
let toldBroken = '';
function failures(all) {
  const key = JSON.stringify([all, parted(Date.now())[0]]), box = $('broken');
  if (key === toldBroken) return;
  toldBroken = key;
  box.hidden = !all.length;
  const lines = all.map(b => t('since', b.what, when(b.since))), open = !!box.querySelector('details[open]');
  box.replaceChildren(...all.length <= 3 ? lines.map(s => el('p', {}, s)) :
    [el('details', {open}, el('summary', {}, t('broken', all.length)), el('ul', {}, ...lines.map(s => el('li', {}, s))))]);
}

// ---- sound: until somebody has acknowledged, and again when something is overdue

let lastSound = 0, lastLost = 0;
const overdueTold = new Set();

function sound() {
  $('mute').hidden = !now.started || !tone.silent();
  const st = now.state, t0 = Date.now();
  if (document.body.classList.contains('stale')) {
    if (t0 - lastLost > 20000) { lastLost = t0; tone.lost(); }
    return;
  }
  if (!st) return;
  const all = incidents(st.cards), open = all.filter(waits), shown = flood(incidents(st.cards)).filter(waits);
  $('waiting').hidden = !open.length;
  const alerts = shown.reduce((n, i) => n + i.list.filter(c => gone(c) === 0).length, 0);
  const words = alerts === shown.length ? t('waiting', alerts) : t('waitingof', shown.length, alerts);
  if ($('waiting').textContent !== words) $('waiting').textContent = words;
  let late = false;
  for (const i of all) {
    const cd = countdown(i), key = i.id + (cd.raised ? 'r' : 'h');
    if (cd.over && !overdueTold.has(key)) { overdueTold.add(key); late = true; }
  }
  if (late) { lastSound = t0; tone.late(); return; }
  if (!open.length) return;
  const grave = open.some(i => i.severity <= 2);
  if (t0 - lastSound > (grave ? 5000 : 15000)) { lastSound = t0; tone.alarm(grave); }
}

const known = new Set();
function announce(cards, first) {
  const fresh = cards.filter(c => !known.has(c.id) && c.state === 'raised');
  for (const c of cards) known.add(c.id);
  if (first || !fresh.length) return;
  lastSound = 0;
  $('announce').textContent = fresh.slice(0, 3).map(c => t('new', c.what, c.where)).join(' ');
}

// ---- the stream

let source = null;
function listen() {
  if (source) source.close();
  now.tried = Date.now();
  source = new EventSource('/api/events');
  source.addEventListener('state', e => {
    if (now.out) location.reload(); // somebody has signed in again: with other tokens
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
    trust(); sound(); // a tab in the background has slow timers
  });
  source.onerror = () => {
    if (source.readyState !== EventSource.CLOSED) return;
    // Who is signed out in the middle of a shift is told so and hears it: the page to sign in is silent.
    fetch('/api/state').then(r => {
      if (r.status === 401 && !now.started) location.href = '/signin';
      now.out = r.status === 401;
    }).catch(() => {});
    setTimeout(listen, 3000);
  };
}

// ---- the shift

function person(name) {
  const mine = now.started && !now.choosing && name;
  $('shift').hidden = mine;
  $('board').hidden = !mine;
  $('onduty').textContent = name ? t('onduty', name) : '';
}

async function begin(name) {
  await Promise.race([tone.wake().catch(() => {}), new Promise(r => setTimeout(r, 500))]); // a browser may never let it sound
  tone.test();
  await api('POST', 'shift', {person: name});
  now.started = true;
  now.choosing = false;
  now.person = name;
  person(name);
  draw(); trust(); sound(); wakeLock();
  $('boardh').tabIndex = -1;
  $('boardh').focus();
}

async function wakeLock() {
  try { await navigator.wakeLock.request('screen'); } catch { /* not over plain HTTP */ }
}

for (const b of document.querySelectorAll('.person')) {
  b.onclick = () => {
    $('shifterr').hidden = true;
    begin(b.dataset.person).catch(e => { $('shifterr').hidden = false; $('shifterr').textContent = t('failed', e.message); });
  };
}
$('change').onclick = () => { now.choosing = true; person(now.person); document.querySelector('.person').focus(); };
$('test').onclick = () => tone.wake().then(tone.test);
$('unmute').onclick = () => tone.wake().then(() => { tone.test(); $('mute').hidden = !tone.silent(); });
document.addEventListener('visibilitychange', () => { if (!document.hidden && now.started) wakeLock(); });
tone.wake().catch(() => {}); // a kiosk may let it sound before anybody has touched it
now.heard = Date.now();
listen();
setInterval(() => {
  if (Date.now() - Math.max(now.heard, now.tried) > again) listen();
  if (trust() && now.state && now.state.cards.some(c => c.pending.some(p => p.undo > clockNow() - 3000))) draw();
  tick(); sound();
}, 1000);
