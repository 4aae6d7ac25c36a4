// Programs' tokens: made, shown once, listed with their last use, revoked.
'use strict';
const list = () => api('GET', 'tokens').then(all => $('tokens').replaceChildren(...all.map(k => {
  const end = el('button', {type: 'button', className: 'danger'}, t('token.revoke'));
  end.onclick = () => {
    if (!end.dataset.sure) {
      end.dataset.sure = '1';
      end.textContent = t('really');
      setTimeout(() => { delete end.dataset.sure; end.textContent = t('token.revoke'); }, 5000);
      return;
    }
    busy(end, () => api('DELETE', 'tokens/' + k.id).then(list)).catch(e => say($('said'), 'bad', t('failed', e.message)));
  };
  return el('li', {className: 'user'}, el('strong', {}, k.name), el('span', {}, t('scope.' + k.scope)),
    el('span', {}, t('token.line', k.maker, when(k.created), k.expires ? when(k.expires) : t('token.never'))),
    el('span', {}, k.used ? t('token.used', when(k.used), k.origin) : t('token.unused')), end);
}))).catch(e => say($('said'), 'bad', t('failed', e.message)));

$('add').onsubmit = async e => {
  e.preventDefault();
  const f = e.target;
  try {
    const got = await api('POST', 'tokens', {name: f.name.value.trim(), scope: f.scope.value, days: Number(f.days.value)});
    $('secret').textContent = got.secret;
    $('made').hidden = false;
    f.reset();
    say($('said'), 'good', '');
    list();
  } catch (err) {
    say($('said'), 'bad', t('failed', err.message));
    $('said').scrollIntoView({block: 'nearest'});
  }
};
list();
