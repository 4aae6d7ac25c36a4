// An update is uploaded, looked at, and installed when it is asked for.
'use strict';
{
  const form = $('uform');
  let last = ''; // when the last one ended

  function show(v) {
    form.hidden = !v.ready || v.waiting;
    last = v.last ? v.last.at : '';
    if (v.last) say($('ulast'), v.last.state === 'proven' ? 'good' : 'warn', when(v.last.at) + ' ' + v.last.text);
    $('uoffer').hidden = !v.offer;
    if (v.offer) {
      $('uinstall').dataset.version = v.offer.version;
      say($('usaid'), 'good', t('update.offer', v.offer.from, v.offer.version));
    } else {
      say($('usaid'), 'warn', v.why || '');
    }
  }

  const send = file => upload('/api/v1/update/file', {'X-CSRF-Token': document.querySelector('meta[name=csrf]').content}, file, (done, total) => {
    $('uprogress').hidden = false;
    $('uprogress').value = done / total;
  });

  form.onsubmit = async e => {
    e.preventDefault();
    $('uoffer').hidden = true;
    $('ucheck').disabled = true;
    say($('usaid'), 'good', t('update.uploading'));
    try {
      show(await send(form.file.files[0]));
    } catch (err) {
      say($('usaid'), 'bad', t('failed', err.message));
    }
    $('uprogress').hidden = true;
    $('ucheck').disabled = false;
  };

  // wait asks until there is a result; for a minute or two nobody answers.
  async function wait() {
    form.hidden = $('uoffer').hidden = true;
    say($('usaid'), 'good', t('update.running'));
    for (const end = Date.now() + 20 * 60e3; Date.now() < end;) {
      await new Promise(r => setTimeout(r, 2000));
      const v = await api('GET', 'update').catch(() => null);
      if (v && !v.waiting && (v.last ? v.last.at : '') !== last) {
        show(v);
        return;
      }
    }
    say($('usaid'), 'bad', t('update.silent'));
  }

  $('uinstall').onclick = async () => {
    try {
      await api('POST', 'update', {version: $('uinstall').dataset.version});
    } catch (err) {
      say($('usaid'), 'bad', t('failed', err.message));
      return;
    }
    await wait();
  };

  api('GET', 'update').then(v => { show(v); if (v.waiting) return wait(); }).catch(() => {});
}
