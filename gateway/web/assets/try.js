// Try it: the rules as they are drawn, unsaved, on what is kept of the camera's last minutes.
'use strict';
let tryID = '', asking = 0;

async function held() {
  const h = await api('GET', 'cameras/' + encodeURIComponent(camera) + '/held').catch(() => null);
  if (h) $('held').textContent = h.seconds <= 0 ? t('heldnone') : t(h.short && h.seconds < 300 ? 'heldshort' : 'held', long(h.seconds));
}

$('try').onclick = async () => {
  const {state, kinds, ...own} = scene;
  say($('tried'), '', '');
  $('try').disabled = true;
  try {
    follow(await api('POST', 'cameras/' + encodeURIComponent(camera) + '/try', own));
  } catch (e) {
    $('try').disabled = false;
    const problems = e.got && e.got.problems || [];
    say($('tried'), 'bad', [t('failed', e.message), ...problems.map(p => p.text)].join(' '));
  }
};
$('trystop').onclick = () => api('DELETE', 'tries/' + tryID).catch(e => say($('tried'), 'bad', t('failed', e.message)));

function follow(v) {
  tryID = v.id;
  const on = v.state === 'running', bar = $('trying');
  $('trystop').hidden = bar.hidden = !on;
  bar.value = v.part;
  $('try').disabled = on;
  $('outcome').hidden = false;
  const head = on ? t('try.sofar', hms(new Date(v.until)), Math.round(100 * v.part)) : t('try.span', hms(new Date(v.from)), hms(new Date(v.until)), long(v.seconds), v.pictures, v.people) + ' ' + (v.raised ? t('try.raised', v.raised) : t('try.none'));
  say($('tried'), v.state === 'done' ? 'good' : v.state === 'failed' ? 'bad' : 'warn', v.text + ' ' + head);
  $('tried').dataset.state = v.state;
  fill($('tryevents'), v.events, triedItem, on ? '' : t('try.none'));
  if (v.more) $('tryevents').append(el('li', {}, t('try.more', v.more)));
  fill($('trymisses'), v.misses, missItem, on ? '' : t('try.nomiss'));
  clearTimeout(asking);
  if (on) asking = setTimeout(() => api('GET', 'tries/' + v.id).then(follow).catch(e => { say($('tried'), 'bad', t('failed', e.message)); $('try').disabled = false; $('trystop').hidden = bar.hidden = true; }), 700);
}

// fill adds what is new, so that a video that plays goes on.
function fill(ul, all, item, none) {
  while (ul.children.length > all.length || ul.firstChild && ul.firstChild.dataset.none) ul.lastChild.remove();
  all.forEach((x, i) => { const key = JSON.stringify(x), old = ul.children[i]; if (old && old.dataset.key === key) return; const li = item(x); li.dataset.key = key; if (old) old.replaceWith(li); else ul.append(li); });
  if (!all.length && none) { const li = el('li', {}, none); li.dataset.none = 'yes'; ul.append(li); }
}

function clip(x) {
  const place = el('div'), b = button(t('try.clip'), () => {
    const v = el('video', {src: x.clip, controls: true, muted: true, autoplay: true, playsInline: true, className: 'clip'});
    v.onerror = () => place.replaceChildren(el('p', {className: 'strip warn'}, t('try.gone')));
    place.replaceChildren(v);
  });
  b.setAttribute('aria-label', t('try.clip') + ' ' + hms(new Date(x.at)));
  place.append(b);
  return place;
}

function triedItem(x) {
  const li = el('li', {className: x.alert ? 'bad' : 'warn tried'}), text = el('div', {});
  text.append(el('strong', {}, hms(new Date(x.at)) + ' ' + sentence(x.rule)), el('p', {}, Math.round(100 * x.confidence) + ' %' + (x.seconds ? t('try.lasted', long(x.seconds)) : '') + (x.floor ? ' · ' + x.floor : '')));
  if (x.again) text.append(el('p', {}, t('try.again', x.again, hms(new Date(x.last)))));
  if (x.note) text.append(el('p', {className: 'hint'}, x.note));
  text.append(clip(x));
  if (x.picture) li.append(el('img', {src: x.picture, alt: t('try.picture') + ' ' + hms(new Date(x.at)), className: 'still', loading: 'lazy'}));
  li.append(text);
  li.classList.add('try');
  return li;
}

function missItem(x) {
  return el('li', {className: 'warn'}, el('strong', {}, hms(new Date(x.at)) + ' ' + x.text), el('p', {className: 'hint'}, sentence(x.rule)), clip(x));
}

held();
setInterval(() => { if (!document.hidden) held(); }, 10000);
