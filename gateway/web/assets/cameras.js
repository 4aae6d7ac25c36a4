// Cameras: listed with how they are, added and changed by a form, tried before they
// are saved, and saved only after the change has been seen.
'use strict';
const form = $('form');
let old = '';

function item(c) {
  const s = c.state, edit = el('button', {type: 'button'}, t('edit')), remove = el('button', {type: 'button', className: 'danger'}, t('remove'));
  edit.setAttribute('aria-label', t('edit') + ' ' + c.id);
  remove.setAttribute('aria-label', t('remove') + ' ' + c.id);
  const view = el('a', {className: 'button', href: '/camera/' + encodeURIComponent(c.id)}, t('view'));
  edit.onclick = () => open(c);
  remove.onclick = () => planned('cameras/plan', {old: c.id, camera: null}, c.id);
  return el('li', {className: s ? s.level : 'warn', id: c.id}, s ? el('span', {className: 'mark'}, t('level.' + s.level)) : null,
    el('strong', {}, s ? s.text : c.id), ' ', s && s.since ? el('span', {className: 'since'}, t('since', when(s.since))) : null,
    el('p', {className: 'hint'}, [c.stream, c.address, t('zones', c.zones, c.rules)].filter(Boolean).join(' · ')),
    s && s.hint ? el('p', {}, s.hint) : null,
    s && s.why ? el('details', {}, el('summary', {}, t('why')), el('code', {}, s.why)) : null,
    el('p', {className: 'buttons'}, view, edit, remove));
}

async function list() {
  const got = await api('GET', 'cameras');
  $('cameras').replaceChildren(...(got.cameras.length ? got.cameras.map(item) : [el('li', {}, t('nocameras'))]));
  return got.cameras;
}

function open(c) {
  old = c ? c.id : '';
  form.reset();
  for (const name of ['id', 'address', 'detect', 'user', 'transport', 'grid']) form[name].value = c && c[name] ? c[name] : name === 'transport' ? 'auto' : '';
  for (const p of form.querySelectorAll('.probe')) p.replaceChildren();
  $('keephint').hidden = !(c && c.has_password);
  const h = $('h-edit');
  h.textContent = c ? h.dataset.edit + ' ' + c.id : h.dataset.add;
  $('edit').hidden = false;
  $('change').hidden = true;
  h.focus();
  h.scrollIntoView({block: 'start'});
}

const values = () => Object.fromEntries(['id', 'address', 'detect', 'user', 'password', 'transport', 'grid'].map(n => [n, form[n].value]));

form.onsubmit = e => { e.preventDefault(); planned('cameras/plan', {old, camera: values()}, old || values().id); };
$('add').onclick = () => open(null);
$('cancel').onclick = () => { $('edit').hidden = true; $('add').focus(); };
saving(() => {
  $('edit').hidden = true;
  setTimeout(list, 1500);
});
for (const b of form.querySelectorAll('[data-probe]')) {
  const out = form.querySelector('.probe[data-for="' + b.dataset.probe + '"]');
  b.onclick = () => busy(b, async () => {
    out.replaceChildren(el('p', {className: 'hint'}, t('probing')));
    try {
      const p = await api('POST', 'cameras/probe', {old, camera: values(), sub: b.dataset.probe === 'sub'});
      if (p.phase) {
        out.replaceChildren(el('p', {className: 'strip bad'}, p.failed), el('details', {}, el('summary', {}, t('why')), el('code', {}, p.why)));
        return;
      }
      out.replaceChildren(el('p', {className: 'strip good'}, t('stream', p.codec, p.width, p.height, p.fps, p.keyframe_seconds || '?', Math.round(p.bitrate / 1000), p.transport)),
        el('ul', {}, ...p.advice.map(a => el('li', {}, a))));
    } catch (e) {
      out.replaceChildren(el('p', {className: 'strip bad'}, t('failed', e.message)));
    }
  });
}
list().then(all => {
  const c = all.find(x => x.id === decodeURIComponent(location.hash.slice(1)));
  if (c) open(c);
  else if (location.hash === '#add') open(null);
}).catch(e => say($('said'), 'bad', t('failed', e.message)));
setInterval(() => { if ($('edit').hidden && $('change').hidden && !document.hidden) list().catch(() => {}); }, 5000);
