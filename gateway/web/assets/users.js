// Users, the audit log, and one's own password.
'use strict';
const same = form => {
  const ok = form.password.value === form.repeat.value;
  form.repeat.setCustomValidity(ok ? '' : t('differ'));
  return ok || !form.reportValidity();
};

function userItem(u) {
  const li = $('user').content.firstElementChild.cloneNode(true);
  li.querySelector('strong').textContent = u.name;
  const role = li.querySelector('select'), said = $('said'), path = 'users/' + encodeURIComponent(u.name);
  const go = p => p.then(() => { say(said, 'good', t('done')); return list(); }).catch(e => { say(said, 'bad', t('failed', e.message)); return list(); });
  role.value = u.role;
  role.onchange = () => go(api('PATCH', path, {role: role.value, password: ''}));
  const reset = li.querySelector('[data-do=reset]'), remove = li.querySelector('[data-do=remove]');
  reset.textContent = t('reset');
  reset.onclick = () => {
    const input = el('input', {type: 'text', minLength: 10, maxLength: 256, required: true, autocomplete: 'off'}), form = el('form', {}, input, el('button', {}, t('done')));
    input.setAttribute('aria-label', t('reset'));
    form.onsubmit = e => { e.preventDefault(); go(api('PATCH', path, {role: '', password: input.value})); };
    reset.replaceWith(form);
    input.focus();
  };
  remove.textContent = t('remove');
  remove.onclick = () => { // a second press means it; it is no dialog
    if (remove.dataset.sure) { go(api('DELETE', path)); return; }
    remove.dataset.sure = '1';
    remove.textContent = t('really');
    setTimeout(() => { delete remove.dataset.sure; remove.textContent = t('remove'); }, 5000);
  };
  return li;
}

const list = () => api('GET', 'users').then(all => $('users').replaceChildren(...all.map(userItem))).catch(e => say($('said'), 'bad', e.message));

if ($('users')) {
  list();
  $('add').onsubmit = e => {
    e.preventDefault();
    const f = e.target, wrong = f.querySelector('.strip');
    say(wrong, '', '');
    if (!same(f)) return;
    api('POST', 'users', {name: f.name.value.trim(), role: f.role.value, password: f.password.value})
      .then(() => { f.reset(); say($('said'), 'good', t('done')); $('said').scrollIntoView({block: 'nearest'}); return list(); }).catch(err => say(wrong, 'bad', t('failed', err.message)));
  };
}

if ($('password')) {
  $('password').onsubmit = e => {
    e.preventDefault();
    const f = e.target, said = f.querySelector('.strip');
    if (!same(f)) return;
    api('POST', 'me/password', {old: f.old.value, new: f.password.value})
      .then(() => { f.reset(); say(said, 'good', t('done')); }).catch(err => say(said, 'bad', t('failed', err.message)));
  };
}

// Sessions, of everybody or one's own, and the button that ends one.
if ($('sessions')) {
  const where = $('sessions'), path = where.dataset.path;
  const show = () => api('GET', path).then(all => where.replaceChildren(...all.map(a => {
    const end = el('button', {type: 'button'}, t('session.end'));
    end.onclick = () => busy(end, () => api('DELETE', path + '/' + a.id)).then(show, e => end.after(el('span', {className: 'badtext', role: 'alert'}, t('failed', e.message))));
    return el('li', {className: 'user'}, el('strong', {}, a.user), el('span', {}, t('session.line', when(a.created), a.origin || '?', when(a.seen))), a.own ? el('em', {}, t('session.this')) : end);
  }))).catch(e => where.replaceChildren(el('li', {className: 'bad'}, t('failed', e.message))));
  show();
}

if ($('entries')) {
  let last = 0;
  const asked = $('filter');
  const more = () => api('GET', 'audit?' + new URLSearchParams({...(last ? {before: last} : {}), who: asked.who.value.trim(), action: asked.action.value})).then(all => {
    for (const a of all) {
      last = a.id;
      $('entries').append(el('tr', {}, el('td', {}, when(a.at)), el('td', {}, a.who), el('td', {}, a.text + (a.detail ? t('add.colon') + a.detail : '')), el('td', {}, a.origin)));
    }
    $('more').hidden = all.length < 100;
  }).catch(e => $('entries').append(el('tr', {className: 'bad'}, el('td', {colSpan: 4}, t('failed', e.message)))));
  $('more').onclick = more;
  asked.onsubmit = e => { e.preventDefault(); last = 0; $('entries').replaceChildren(); more(); };
  asked.onchange = asked.onsubmit;
  more();
}
for (const f of document.querySelectorAll('form')) {
  if (f.repeat) f.addEventListener('input', () => f.repeat.setCustomValidity(f.password.value === f.repeat.value ? '' : t('differ')));
}
