// The past: what was, by filter, and what became of it.
'use strict';
let last = '';
const form = $('filter'), box = $('one'), holder = el('tr', {className: 'detail'}, el('td', {colSpan: 7}, box)); // at the row that was asked for

function row(a) {
  const open = el('button', {type: 'button', className: 'quiet', 'aria-label': t('open') + ' ' + when(a.detected) + ' ' + a.what + ' ' + a.where, onclick: e => one(a.id, e.target)}, t('open'));
  const cell = (n, ...inside) => el('td', {'data-col': $('cols').children[n].textContent}, ...inside);
  return el('tr', {}, cell(0, when(a.detected)), cell(1, a.what, testOnly(a)), cell(2, a.where), cell(3, severity(a.severity)),
    cell(4, a.stands), cell(5, a.by), el('td', {}, open));
}

// step is a line of what has become of an alert, which may stand for several that say the same.
function step(s) {
  const from = when(s.at), to = when(s.last), often = s.times > 1 ? aside(t('times', s.times)) : '';
  return el('li', {}, noted(from + (to === from ? '' : '–' + to) + ' ' + s.what + (s.who ? ' · ' + s.who : ''), s.note) + often);
}

async function load(more) {
  const q = new URLSearchParams();
  for (const [k, v] of new FormData(form)) if (v) q.set(k, v);
  if (more) q.set('before', last);
  $('said').hidden = true;
  try {
    const got = await api('GET', 'alerts?' + q);
    if (!more) $('rows').replaceChildren();
    $('rows').append(...got.alerts.map(row));
    $('empty').hidden = $('rows').children.length > 0;
    $('more').hidden = got.alerts.length < 50;
    if (got.alerts.length) last = got.alerts[got.alerts.length - 1].id;
  } catch (e) {
    $('said').hidden = false;
    $('said').textContent = t('failed', e.message);
  }
}

// part shows a picture, a voice or a clip: what is here, is on its way, or can be asked for.
function part(a, name, can, make) {
  const job = a[name];
  if (job && job.status === 'here') return make();
  if (!job && !a[can]) return '';
  if (job && job.status !== 'failed') return el('p', {}, comes(a, job, name));
  return el('button', {type: 'button', className: 'clip', onclick: e => ask(a.id, name, e.target)}, job ? t(name + 'bad', job.why) : t(name));
}

async function ask(id, name, button) {
  button.disabled = true;
  if (await got('POST', name + '/' + id)) follow(id);
  button.disabled = false;
}

// got asks the console, and says why there is no answer.
async function got(method, path) {
  $('said').hidden = true;
  try {
    return [await api(method, path)];
  } catch (e) {
    $('said').hidden = false;
    $('said').textContent = t('failed', e.message);
    return null;
  }
}

const film = src => el('video', {src, controls: true, className: 'video', onerror: e => e.target.replaceWith(el('img', {src: src + '/pictures', alt: t('clip'), className: 'video'}))});
const parts = a => [
  a.thumb ? el('img', {src: '/thumb/' + a.id, alt: t('shot', a.what), className: 'pic'}) : part(a, 'picture', 'canPicture'),
  part(a, 'voice', 'canVoice', () => el('audio', {src: '/voice/' + a.id, controls: true, className: 'video'})),
  part(a, 'clip', 'canClip', () => film('/clip/' + a.id)),
];

// evidence shows the parts of an alert, anew only where they have changed.
function evidence(a) {
  const kept = box.querySelector('.parts'), key = JSON.stringify([a.thumb, a.picture, a.voice, a.clip]);
  if (kept.dataset.key !== key) kept.replaceChildren(...parts(a));
  kept.dataset.key = key;
  return ['picture', 'voice', 'clip'].some(n => a[n] && (a[n].status === 'waiting' || a[n].status === 'coming'));
}

// follow shows what comes of what was asked for, until it is here or the alert is not looked at any more.
async function follow(id) {
  for (let more = true; more && box.dataset.alert === id && holder.isConnected;) {
    const now = await got('GET', 'alerts/' + id);
    if (!now || box.dataset.alert !== id) return;
    more = evidence(now[0].alert);
    if (more) await new Promise(r => setTimeout(r, 1500));
  }
}

async function one(id, from) {
  const now = await got('GET', 'alerts/' + id);
  if (!now) return;
  const a = now[0].alert;
  box.hidden = false;
  box.dataset.alert = id;
  from.closest('tr').after(holder);
  box.replaceChildren(
    el('h2', {tabIndex: -1}, a.what + ' · ' + a.where),
    el('p', {}, when(a.detected) + ' · ' + a.stands + extra([a], a).map(s => ' · ' + s).join('')),
    testOnly(a) || '',
    el('div', {className: 'parts'}),
    el('h3', {}, t('steps')),
    el('ol', {}, ...now[0].events.map(step)),
    el('button', {type: 'button', onclick: () => { holder.remove(); from.focus(); }}, t('close')));
  box.querySelector('h2').focus();
  if (evidence(a)) follow(id);
}

form.onsubmit = e => { e.preventDefault(); load(false); };
$('more').onclick = () => load(true);
load(false);
