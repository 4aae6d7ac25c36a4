// The configuration as YAML: checked while it is typed, each problem beside its line.
'use strict';
const yaml = $('yaml'), gutter = $('gutter');
let base = '', timer = 0, asked = 0;

function number(bad = new Set()) {
  const n = yaml.value.split('\n').length;
  gutter.replaceChildren(...Array.from({length: n}, (_, i) => el('span', {className: bad.has(i + 1) ? 'bad' : ''}, (bad.has(i + 1) ? '● ' : '') + (i + 1) + '\n')));
  gutter.scrollTop = yaml.scrollTop;
}

function go(p) {
  const before = yaml.value.split('\n').slice(0, p.line - 1).join('\n').length + (p.line > 1 ? 1 : 0);
  const end = yaml.value.indexOf('\n', before);
  yaml.focus();
  yaml.setSelectionRange(before, end < 0 ? yaml.value.length : end);
  yaml.scrollTop = Math.max(0, (p.line - 5) * parseFloat(getComputedStyle(yaml).lineHeight));
}

async function check(show) {
  const mine = ++asked;
  try {
    const c = await api('POST', 'config/check', {body: yaml.value});
    if (mine !== asked) return null; // something newer was typed
    number(new Set(c.problems.map(p => p.line)));
    if (show) { showChange(c); $('goback').hidden = true; }
    showProblems(c.problems, go);
    return c;
  } catch (e) {
    if (mine === asked) $('problems').replaceChildren(); // they are of what was written before
    say($('said'), 'bad', t('failed', e.message));
    return null;
  }
}

async function load() {
  const c = await api('GET', 'config');
  base = c.sum;
  yaml.value = c.body;
  number();
  check(false);
  history();
}

async function history() {
  const all = await api('GET', 'config/history');
  $('history').replaceChildren(...all.map((r, i) => {
    const see = el('button', {type: 'button'}, t('see'));
    see.setAttribute('aria-label', t('see') + ' ' + r.id);
    see.onclick = () => api('GET', 'config/history/' + r.id).then(c => {
      yaml.value = c.body;
      $('note').value = t('goback') + ' ' + r.id;
      number();
      showChange(c);
      showProblems(c.problems, go);
      $('goback').textContent = t('goback') + ' ' + r.id;
      $('goback').hidden = !c.changed || c.problems.length > 0;
      $('change').scrollIntoView({block: 'nearest'});
    }).catch(e => say($('said'), 'bad', t('failed', e.message)));
    return el('li', {className: r.state === 'trial' ? 'warn' : r.state === 'returned' ? 'bad' : 'good'}, el('strong', {}, '#' + r.id + ' ' + when(r.at)), ' ' + (r.who || t('byhand')) + ' · ' + t('state.' + r.state) + (r.note ? ' · ' + r.note : '') + ' ', i ? see : null);
  }));
}

yaml.oninput = () => { number(); clearTimeout(timer); timer = setTimeout(() => check(false), 600); };
yaml.onscroll = () => { gutter.scrollTop = yaml.scrollTop; };
$('goback').onclick = () => $('save').click();
$('see').onclick = () => busy($('see'), () => check(true));
$('save').onclick = () => busy($('save'), async () => {
  try {
    const r = await api('PUT', 'config', {body: yaml.value, base, note: $('note').value});
    base = r.sum;
    $('note').value = '';
    saved(r);
    number();
    setTimeout(() => history().catch(() => setTimeout(history, 3000)), 1500);
  } catch (e) {
    say($('said'), 'bad', t('failed', e.message));
    if (e.got && e.got.problems) { number(new Set(e.got.problems.map(p => p.line))); showProblems(e.got.problems, go); }
  }
});
load().catch(e => say($('said'), 'bad', t('failed', e.message)));
