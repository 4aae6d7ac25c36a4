// The first page: the browser's timezone is proposed, a clock that is off is told, and the
// box, which begins again with what it was told, is waited for.
'use strict';
const setup = $('setup'), zone = $('timezone'), wrong = $('wrong');
if (zone && !zone.value) zone.value = Intl.DateTimeFormat().resolvedOptions().timeZone || '';
$('skew').hidden = Math.abs(Date.now() - Number($('boxclock').dataset.now)) < 60000;

async function up(to) {
  try {
    if ((await fetch(to, {redirect: 'manual'})).ok) { location.href = to; return; }
  } catch { /* not yet */ }
  setTimeout(up, 700, to);
}

setup.onsubmit = e => {
  e.preventDefault();
  busy(setup.querySelector('button.main'), async () => {
    try {
      const r = await fetch('/setup', {method: 'POST', body: new URLSearchParams(new FormData(setup)), redirect: 'manual'});
      if (r.type === 'opaqueredirect') { location.href = '/'; return; }
      if (!r.ok) {
        const page = new DOMParser().parseFromString(await r.text(), 'text/html'), said = page.getElementById('wrong') || page.querySelector('.strip.bad');
        say(wrong, 'bad', said ? said.textContent : t('network'));
        wrong.scrollIntoView({block: 'nearest'});
        return;
      }
    } catch {
      say(wrong, 'bad', t('network'));
      return;
    }
    say(wrong, 'good', t('setup.starting'));
    wrong.scrollIntoView({block: 'nearest'});
    await new Promise(done => { setTimeout(done, 1500); }); // the old one answers for a moment yet
    up('/cameras/add');
  });
};
