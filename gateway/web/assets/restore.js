// A backup is made, or one is uploaded, looked into and put in the site's place.
'use strict';
const form = $('restore'), base = form.dataset.base;

// head is what proves who asks: a session's token, or on a new box the one-time code.
function head(more) {
  const code = document.querySelector('[name=code]');
  return {'X-CSRF-Token': document.querySelector('meta[name=csrf]').content, ...(code ? {'X-Setup-Code': code.value} : {}), ...more};
}

async function ask(method, path, body) {
  let res;
  try {
    res = await fetch(base + path, {method, headers: head(body ? {'Content-Type': 'application/json'} : {}), body: body && JSON.stringify(body)});
  } catch {
    throw new Error(t('network'));
  }
  const got = await res.json().catch(() => ({}));
  if (!res.ok) throw Object.assign(new Error(got.error ? got.error.text : t('network')), {got});
  return got;
}

function progress(done, total) {
  $('progress').hidden = !total;
  $('progress').value = total ? done / total : 0;
}

const wish = () => ({
  passphrase: form.passphrase.value, copy: form.how.value === 'copy', page: form.page.checked,
  gateway: {id: form.id.value.trim(), street: form.street.value.trim(), community: form.community.value.trim()},
});

let sent = null; // the file that the box has
form.onsubmit = async e => {
  e.preventDefault();
  $('found').hidden = true;
  const label = $('look').textContent;
  $('look').disabled = true;
  try {
    if (sent !== form.file.files[0]) {
      say($('rsaid'), 'good', t('restore.upload'));
      await upload(base + '/file', head(), form.file.files[0], progress);
      sent = form.file.files[0];
    }
    progress(0, 0);
    say($('rsaid'), 'good', t('restore.reading'));
    show(await ask('POST', '/look', wish()));
    say($('rsaid'), 'good', '');
  } catch (err) {
    say($('rsaid'), 'bad', t('failed', err.message));
  }
  progress(0, 0);
  $('look').disabled = false;
  $('look').textContent = label;
};

function show(got) {
  $('contents').replaceChildren(...got.text.map(s => el('p', {}, s)), ...got.addresses.map(a => el('p', {}, t('restore.address', a))));
  $('against').replaceChildren(...got.problems.map(p => el('li', {}, t('line', p.line) + ' ' + p.path + ': ' + p.text)));
  $('replace').disabled = got.problems.length > 0;
  $('found').hidden = false;
  $('h-found').focus();
}

form.onchange = e => {
  $('identity').hidden = form.how.value !== 'copy';
  for (const n of ['id', 'street', 'community']) form[n].required = form.how.value === 'copy';
  if (e.target.name !== 'file') $('found').hidden = true; // what was shown is of another wish
};

// sure says whether a button is pressed for the second time, which means it.
function sure(b) {
  if (b.dataset.sure) return true;
  b.dataset.sure = b.textContent;
  b.textContent = t('restore.really');
  setTimeout(() => { b.textContent = b.dataset.sure; delete b.dataset.sure; }, 6000);
  return false;
}

const where = (box, said, id, addresses) => {
  box.replaceChildren(el('p', {className: 'strip good', id}, said), ...addresses.map(a => el('p', {}, el('a', {href: a, className: 'button'}, a))));
  box.scrollIntoView({block: 'center'});
};

$('replace').onclick = async () => {
  const b = $('replace');
  if (!sure(b)) return;
  b.disabled = $('look').disabled = true;
  say($('rsaid'), 'good', t('restore.running'));
  const watch = setInterval(() => ask('GET', '').then(s => progress(s.done_bytes, s.total_bytes)).catch(() => {}), 500);
  try {
    const got = await ask('POST', '', wish());
    where(form, t('restore.done'), 'restored', got.addresses);
  } catch (err) {
    say($('rsaid'), 'bad', t('failed', err.message));
    b.disabled = $('look').disabled = false;
  }
  clearInterval(watch);
};

if ($('undo')) {
  ask('GET', '').then(s => {
    $('old').hidden = !s.old;
    if (s.old) $('oldtext').textContent = s.old.text;
  }).catch(() => {}); // the page says that the box does not answer
  $('undo').onclick = async () => {
    const b = $('undo');
    if (!sure(b)) return;
    b.disabled = true;
    try {
      where($('old'), t('undo.done'), 'undone', (await ask('POST', '/undo')).addresses);
    } catch (err) {
      say($('osaid'), 'bad', t('failed', err.message));
      b.disabled = false;
    }
  };
}

if ($('backup')) {
  const f = $('backup');
  f.oninput = () => f.repeat.setCustomValidity(f.passphrase.value === f.repeat.value ? '' : t('differ'));
  f.alerts.onchange = () => { f.evidence.disabled = !f.alerts.checked; };
}
