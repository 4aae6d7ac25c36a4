// The past: what was, by filter, and what became of it.
'use strict';
let last = '';
const form = $('filter');

function row(a) {
  const open = el('button', {type: 'button', className: 'quiet', 'aria-label': t('open') + ' ' + when(a.detected) + ' ' + a.what + ' ' + a.where, onclick: e => one(a.id, e.target)}, t('open'));
  return el('tr', {}, el('td', {}, when(a.detected)), el('td', {}, a.what), el('td', {}, a.where), el('td', {}, t('severity', a.severity)),
    el('td', {}, a.stands), el('td', {}, a.by), el('td', {}, open));
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
  const box = $('one');
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
  box.replaceChildren(
    el('h2', {tabIndex: -1}, a.what + ' · ' + a.where),
    el('p', {}, when(a.detected) + ' · ' + a.stands + (a.facts.length ? ' · ' + a.facts.join(' · ') : '')),
    a.picture ? el('img', {src: '/thumb/' + id, alt: t('picture', a.what), className: 'pic'}) : '',
    a.voice && a.voice.status === 'here' ? el('audio', {src: '/voice/' + id, controls: true, className: 'video'}) : '',
    a.clip && a.clip.status === 'here' ? el('video', {src: '/clip/' + id, controls: true, className: 'video',
      onerror: e => e.target.replaceWith(el('img', {src: '/clip/' + id + '/pictures', alt: t('clip'), className: 'video'}))}) : '',
    el('h3', {}, t('steps')),
    el('ol', {}, ...got.events.map(s => el('li', {}, when(s.at) + ' ' + s.what + (s.who ? ' · ' + s.who : '') + (s.note ? '：' + s.note : '')))),
    el('button', {type: 'button', onclick: () => { box.hidden = true; from.focus(); }}, t('close')));
  box.querySelector('h2').focus();
}

form.onsubmit = e => { e.preventDefault(); load(false); };
$('more').onclick = () => load(true);
load(false);
