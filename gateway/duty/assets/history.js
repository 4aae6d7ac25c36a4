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
  const from = when(s.at), to = when(s.last), often = s.times > 1 ? '（' + t('times', s.times) + '）' : '';
  return el('li', {}, from + (to === from ? '' : '–' + to) + ' ' + s.what + (s.who ? ' · ' + s.who : '') + (s.note ? '：' + s.note : '') + often);
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

async function one(id, from) {
  let got;
  try {
    got = await api('GET', 'alerts/' + id);
  } catch (e) {
    $('said').hidden = false;
    $('said').textContent = t('failed', e.message);
    return;
  }
  const a = got.alert;
  box.hidden = false;
  from.closest('tr').after(holder);
  box.replaceChildren(
    el('h2', {tabIndex: -1}, a.what + ' · ' + a.where),
    el('p', {}, when(a.detected) + ' · ' + a.stands + extra([a], a).map(s => ' · ' + s).join('')),
    testOnly(a) || '',
    a.picture ? el('img', {src: '/thumb/' + id, alt: t('picture', a.what), className: 'pic'}) : '',
    a.voice && a.voice.status === 'here' ? el('audio', {src: '/voice/' + id, controls: true, className: 'video'}) : '',
    a.clip && a.clip.status === 'here' ? el('video', {src: '/clip/' + id, controls: true, className: 'video',
      onerror: e => e.target.replaceWith(el('img', {src: '/clip/' + id + '/pictures', alt: t('clip'), className: 'video'}))}) : '',
    el('h3', {}, t('steps')),
    el('ol', {}, ...got.events.map(step)),
    el('button', {type: 'button', onclick: () => { holder.remove(); from.focus(); }}, t('close')));
  box.querySelector('h2').focus();
}

form.onsubmit = e => { e.preventDefault(); load(false); };
$('more').onclick = () => load(true);
load(false);
