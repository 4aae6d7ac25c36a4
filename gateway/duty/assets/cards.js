// The cards of the console: which alerts are one, what a card says, and what its buttons do.
'use strict';

const rank = {ack: 1, dispatch: 2, handled: 3, false: 3}, reached = {raised: 0, acknowledged: 1, dispatched: 2};
// gone says how far an alert is, with the answers that are on their way.
const gone = c => Math.max(reached[c.state] ?? 3, ...c.pending.filter(p => !p.late).map(p => rank[p.action] || 0));
// worst orders the alerts of a card: the gravest, then what nobody has answered, then the newest.
const worst = (a, b) => a.severity - b.severity || gone(a) - gone(b) || b.detected - a.detected;

// ---- incidents: alerts that belong together are one card

function incidents(cards) {
  const groups = new Map();
  for (const c of cards) {
    if (!groups.has(c.incident)) groups.set(c.incident, []);
    groups.get(c.incident).push(c);
  }
  const all = [...groups.entries()].map(([id, list]) => {
    list.sort(worst);
    return {id, list, more: 0, main: list[0], severity: list[0].severity, detected: Math.min(...list.map(c => c.detected))};
  });
  all.sort((a, b) => a.severity - b.severity || a.detected - b.detected);
  return all;
}

const crowd = 50; // cards that a person can look through
// flood makes one card of the incidents of one source and kind, when there are more than ten in ten minutes
// (ISA-18.2) or too many at all. What is answered there is answered for all of them.
function flood(all) {
  if (all.length <= crowd && all.filter(i => clockNow() - i.detected < 600000).length <= 10) return all;
  const groups = new Map();
  for (const i of all) {
    const key = i.main.source + ' ' + i.main.kind, first = groups.get(key);
    if (!first) { groups.set(key, i); continue; }
    first.list.push(...i.list);
    first.list.sort(worst);
    first.main = first.list[0];
    first.severity = first.main.severity;
    first.more++;
    first.detected = Math.min(first.detected, i.detected);
  }
  return [...groups.values()];
}

// far says how far the alert of a card is that is least far.
const far = i => Math.min(...i.list.map(gone));
const waits = i => far(i) === 0;

// ---- a card

const drafts = new Map(); // what somebody is writing: incident → {action, note}
const busyCards = new Set();
const errors = new Map();
const live = new Map(); // incidents as they were drawn last
const most = 50; // alerts that the console takes an answer for at once

async function inParts(path, name, ids, rest) {
  for (let n = 0; n < ids.length; n += most) await api('POST', path, {[name]: ids.slice(n, n + most), ...rest});
}

async function send(id, action, note) {
  if (busyCards.has(id)) return;
  busyCards.add(id);
  errors.delete(id);
  draw();
  try {
    const need = live.get(id).list.filter(c => gone(c) < rank[action]); // what somebody has answered so is left alone
    await inParts('answer', 'alerts', need.map(c => c.id), {action, note});
    drafts.delete(id);
    $('told').textContent = t(rank[action] === 3 ? 'held' : 'pending', t(action));
  } catch (e) {
    errors.set(id, t('failed', e.message));
  } finally {
    busyCards.delete(id);
    draw();
  }
}

async function undo(id) {
  try {
    await inParts('undo', 'answers', live.get(id).list.flatMap(c => c.pending).filter(p => p.undo).map(p => p.id));
    $('told').textContent = t('undone');
  } catch (e) {
    errors.set(id, t('failed', e.message));
    draw();
  }
}

async function fetchPart(c, i, part) {
  try {
    await api('POST', part + '/' + c.id);
  } catch (e) {
    errors.set(i.id, t('failed', e.message));
    draw();
  }
}

// still shows a clip of single pictures, which browsers do not play as a video.
function still(e, id) {
  e.target.replaceWith(el('img', {src: '/clip/' + id + '/pictures', alt: t('clip'), className: 'video'}));
}

// partOf shows the clip or the voice of the newest alert that has one, and an older one that is here or on its way.
function partOf(i, part, can, tag) {
  const all = i.list.filter(c => c[part] || c[can]).sort((a, b) => b.detected - a.detected);
  if (!all.length) return null;
  const older = all.slice(1).find(c => c[part] && c[part].status === 'here') || all.slice(1).find(c => c[part]);
  return el('div', {}, onePart(all[0], i, part, tag), older && onePart(older, i, part, tag));
}

// onePart shows a clip, a voice or a picture: what can be asked for, is on its way, or is here. Of several alerts it says whose.
function onePart(c, i, part, tag) {
  const of = i.list.length > 1 ? aside(t(part + 'of', when(c.detected))) : '';
  const job = c[part], ask = words => el('button', {type: 'button', className: 'clip', 'data-act': part, onclick: () => fetchPart(c, i, part)}, words + of);
  if (!job) return ask((tag ? '▶ ' : '') + t(part));
  if (job.status === 'here') {
    const film = el(tag, {src: '/' + part + '/' + c.id, controls: true, preload: 'metadata', className: 'video', title: t(part) + of, onerror: tag === 'video' ? e => still(e, c.id) : null});
    return of ? el('div', {}, el('p', {}, of), film) : film;
  }
  if (job.status === 'failed') return ask(t(part + 'bad', job.why));
  return el('p', {className: 'clip'}, comes(c, job, part) + of,
    el('progress', {max: 100, value: job.percent, 'aria-label': t(part)}));
}

// picturePart shows the picture of an alert of the card, or that of one can be asked for.
function picturePart(i) {
  const seen = i.list.find(c => c.thumb), other = i.list.find(c => c.picture) || i.list.find(c => c.canPicture);
  if (seen) return el('img', {src: '/thumb/' + seen.id, alt: t('shot', seen.what), className: 'pic'});
  return el('div', {className: 'pic empty'}, other ? onePart(other, i, 'picture') : t('nopicture'));
}

function planPart(p) {
  if (!p) return null;
  return el('details', {className: 'plan', open: true}, el('summary', {}, t('plan')),
    (p.steps || []).length ? el('ol', {}, ...p.steps.map(s => el('li', {}, s))) : null,
    (p.call || []).length ? el('p', {className: 'calls'}, t('call') + ' ', ...p.call.map(c => el('a', {href: 'tel:' + c.phone.replace(/[^+\d]/g, ''), className: 'tel'}, '☎ ' + c.name + ' ' + c.phone))) : null);
}

function buttons(i) {
  const sending = busyCards.has(i.id), have = far(i), row = el('div', {className: 'acts'});
  // A button that is disabled would lose the focus.
  const add = (action, kind, words, press) => row.append(el('button', {type: 'button', className: 'act ' + kind, 'data-act': action,
    ...(sending ? {'aria-disabled': 'true'} : {}), onclick: () => { if (!busyCards.has(i.id)) press(); }}, words));
  const ask = action => () => { drafts.set(i.id, {action, note: ''}); draw(i.id); };
  for (const [n, action] of ['ack', 'dispatch', 'handled'].filter(a => rank[a] > have).entries()) {
    add(action, n === 0 ? 'main' : '', sending && n === 0 ? t('sending') : t(action), action === 'ack' ? () => send(i.id, action, '') : ask(action));
  }
  if (have < 3) add('false', 'apart', t('false'), ask('false'));
  return row;
}

function draftPart(i) {
  const d = drafts.get(i.id), sending = busyCards.has(i.id);
  if (!d) return null;
  const ask = {dispatch: 'whom', handled: 'found', false: 'reason'}[d.action];
  const form = el('form', {className: 'draft', onsubmit: e => { e.preventDefault(); send(i.id, d.action, d.note); }},
    el('label', {}, t(ask), el('input', {value: d.note, maxLength: 200, className: 'note', oninput: e => { d.note = e.target.value; }})),
    el('button', {className: 'act main', 'data-act': 'send', ...(sending ? {'aria-disabled': 'true'} : {})}, sending ? t('sending') : t(d.action)),
    el('button', {type: 'button', className: 'act', 'data-act': 'cancel', onclick: () => { drafts.delete(i.id); draw(i.id); }}, t('cancel')));
  form.dataset.draft = d.action;
  return form;
}

function pendingPart(i) {
  const lines = [], seen = new Set();
  for (const c of i.list) for (const p of c.pending) {
    const held = p.undo > clockNow() && !p.late;
    const words = p.late ? t('late', p.text) : held ? t('held', p.text) : c.offline ? t('stuck', p.text) : t('pending', p.text);
    if (seen.has(words)) continue;
    seen.add(words);
    const left = el('span', {className: 'left', 'aria-hidden': 'true'});
    left.dataset.until = p.undo;
    lines.push(el('p', {className: 'pending' + (p.late || c.offline ? ' warn' : '')}, words, ' ',
      held ? el('button', {type: 'button', className: 'quiet', 'data-act': 'undo', onclick: () => undo(i.id)}, t('undo'), left) : null));
  }
  return lines.length ? el('div', {className: 'pendings'}, ...lines) : null;
}

function countdown(i) {
  const open = i.list.filter(c => c.open && gone(c) < 3), raised = open.filter(c => gone(c) === 0);
  if (!open.length) return {over: false, text: '', label: '', raised: false}; // what ends it is on its way
  const due = raised.length ? Math.min(...raised.map(c => c.respond)) : Math.min(...open.map(c => c.handle));
  const left = Math.round((due - clockNow()) / 1000), over = left < 0, s = Math.abs(left);
  const text = (s >= 3600 ? Math.floor(s / 3600) + ':' + two(Math.floor(s / 60) % 60) : Math.floor(s / 60)) + ':' + two(s % 60);
  return {over, text, label: t(raised.length ? (over ? 'overrespond' : 'respond') : (over ? 'overhandle' : 'handle')), raised: raised.length > 0};
}

const shapes = {1: '▲', 2: '◆', 3: '●', 4: '○'};

// told says how it stands with an alert, and with whom.
const told = c => noted(c.stands + (c.by ? ' · ' + c.by : ''), c.note);
// stand says how it stands with all alerts of a card, what nobody has answered first.
function stand(i) {
  if (i.list.length === 1) return [el('p', {}, when(i.detected) + ' · ' + told(i.main))];
  const waiting = i.list.filter(c => gone(c) === 0).length, groups = new Map();
  for (const c of i.list) if (gone(c) > 0) groups.set(told(c), (groups.get(told(c)) || 0) + 1);
  return [el('p', {}, t('newest', when(i.detected), when(Math.max(...i.list.map(c => c.detected))))),
    waiting ? el('p', {className: 'open'}, t('unanswered', waiting)) : null,
    groups.size ? el('p', {}, [...groups].map(([words, n]) => t('of', n, words)).join(' · ')) : null];
}

function card(i) {
  const c = i.main, facts = extra(i.list, c);
  const a = el('div', {role: 'listitem', 'aria-labelledby': 'h-' + c.id});
  a.dataset.id = i.id;
  const parts = {
    pic: picturePart(i),
    text: el('div', {className: 'text'},
      el('h2', {id: 'h-' + c.id, tabIndex: -1}, el('span', {className: 'mark', 'aria-hidden': 'true'}, shapes[c.severity]), ' ', c.what, ' ', el('span', {className: 'sev'}, severity(c.severity))),
      i.list.every(x => x.test) ? testOnly(c) : null,
      el('p', {className: 'where'}, c.where, ' ', c.gateway ? el('small', {className: 'sev'}, c.gateway) : null),
      ...stand(i),
      facts.length ? el('p', {className: 'facts'}, facts.join(' · ')) : null,
      i.more ? el('p', {className: 'facts'}, t('source', i.more)) : null,
      i.list.length > 1 ? el('details', {}, el('summary', {'data-act': 'group'}, t(i.more ? 'groups' : 'group', i.list.length)), el('ul', {}, ...i.list.map(x => el('li', {}, when(x.detected) + ' ' + x.what + ' · ' + x.where + ' · ' + told(x))))) : null,
      i.list.some(x => x.offline) ? el('p', {className: 'pending warn'}, t('offline')) : null),
    timer: el('p', {className: 'timer', role: 'timer'}, el('span', {className: 'tl'}), el('b', {className: 'tv'})),
    pending: pendingPart(i),
    error: errors.has(i.id) ? el('p', {className: 'strip bad', role: 'alert'}, errors.get(i.id)) : null,
    foot: draftPart(i) || buttons(i),
    side: el('div', {className: 'side'}, planPart(c.plan), partOf(i, 'voice', 'canVoice', 'audio'), partOf(i, 'clip', 'canClip', 'video')),
  };
  for (const [name, e] of Object.entries(parts)) if (e) { e.dataset.part = name; a.append(e); }
  return a;
}
