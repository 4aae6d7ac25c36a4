// Shows what a change of the configuration changes, and saves it once it has been seen.
'use strict';
// What the file calls otherwise than the forms do.
const aliases = {url: 'address', detect_url: 'detect', username: 'user', password_file: 'password', ...Object.fromEntries(
  ['modbus', 'serial', 'e22', 'e32', 'rak3172', 'lorawan', 'chirpstack', 'mqtt', 'gpio', 'listen', 'broker', 'alsa'].map(k => [k, 'where']))};
let plan = null; // the change that is shown, with the note that it is saved with
const span = s => t('minutes', Math.floor(s / 60), s % 60);

function showChange(c) {
  const sign = {same: ' ', gone: '−', new: '+', skip: '…'};
  $('change').hidden = false;
  $('diff').replaceChildren(...(c.changed ? c.diff : []).map(d => el('tr', {className: d.op}, el('td', {className: 'num'}, d.old ? String(d.old) : ''),
    el('td', {className: 'num'}, d.new ? String(d.new) : ''), el('td', {}, sign[d.op]), el('td', {}, d.text, d.secret ? el('strong', {}, t('newsecret')) : null))));
  $('risk').textContent = !c.changed ? t('nochange') : c.problems.length ? '' : c.grace_seconds ? t('risky', span(c.grace_seconds)) : t('harmless');
  showProblems(c.problems);
}

// fieldOf returns the field that a problem is about, or the row, null if no form has it. Rows say in data-at of which part
// of the configuration they are; rules are found by their number.
function fieldOf(path) {
  const at = path.replace(/^cameras\[\d+\]\./, '').replace(/\["([^"]*)"\]/g, '.$1');
  const row = [...document.querySelectorAll('[data-at]')].filter(r => (at + '.').startsWith(r.dataset.at + '.') && r.checkVisibility()).sort((a, b) => b.dataset.at.length - a.dataset.at.length)[0];
  if (row) {
    const keys = at.slice(row.dataset.at.length + 1).replace(/\[\d+\]/g, '').split('.').reverse();
    return keys.map(k => row.querySelector('[data-key="' + CSS.escape(aliases[k] || k) + '"]')).find(f => f && f.checkVisibility()) || row;
  }
  const rule = /\.detect\[(\d+)\]\./.exec(path), key = path.replace(/\[\d+\]$/, '').split('.').at(-1);
  const li = rule && $('rules') && $('rules').children[rule[1]], label = t({severity: 'sev', zone: 'where'}[key] || key);
  const inForm = n => [...document.querySelectorAll('main form :is(input, select)[name="' + CSS.escape(n) + '"]'), ...alone(n)].find(f => f.checkVisibility());
  const found = li ? [...li.querySelectorAll('label')].filter(l => l.firstChild.textContent === label).map(l => l.control)[0] : namesOf(path, key).map(inForm).find(Boolean);
  return found && found.checkVisibility() && found.closest('label') ? found : null;
}

// alone returns a field of the camera that was found, if just one is to be added.
const alone = n => { const rows = [...document.querySelectorAll('#cams > li')].filter(li => li.querySelector('[name=add]').checked); return rows.length === 1 ? [...rows[0].querySelectorAll('[name="' + CSS.escape(n) + '"]')] : []; };

// namesOf returns what a form may call a key, the likeliest first.
function namesOf(path, key) {
  const inside = /\.(?:stations|repeaters)(?:\["[^"]*"\]|\.[^.]+)(?:\.(\w+))?$/.exec(path);
  if (inside) return [{name: 'title', place: 'place', grid: 'grid', password: 'password'}[inside[1]] || 'station'];
  if (/\.phones\b/.test(path)) return ['phone'];
  return [aliases[key] || key, key, key === 'url' ? 'where' : ''].filter(Boolean);
}

// atFields puts each problem at its field, focuses the first of them, and returns the problems without a field.
function atFields(all) {
  for (const old of document.querySelectorAll('.atfield')) old.remove();
  const seen = all.map(p => [p, fieldOf(p.path || '')]);
  for (const [p, f] of seen.filter(([, f]) => f)) (f.closest('label') || f).append(el('span', {className: 'atfield', role: 'alert'}, p.text));
  const first = seen.find(([, f]) => f);
  if (first) (first[1].dataset.at ? first[1].querySelector('input, button') || first[1] : first[1]).focus();
  return seen.filter(([, f]) => !f).map(([p]) => p);
}

function showProblems(all, go) {
  $('problems').replaceChildren(...(all.length ? all.map(p => {
    const where = el(go ? 'button' : 'span', go ? {type: 'button', className: 'link'} : {}, t('line', p.line));
    if (go) where.onclick = () => go(p);
    return el('li', {}, where, ' ', p.path ? el('code', {}, p.path) : null, p.path ? ' ' : null, p.text);
  }) : [el('li', {className: 'none'}, t('noproblems'))]));
}

// saved says how saving went; the gateway may begin again behind it.
function saved(r) {
  say($('said'), 'good', r.state === 'trial' ? t('savedtrial', span(Math.round((new Date(r.deadline) - new Date(r.at)) / 1000))) : t('saved'));
  if (r.state === 'trial') $('said').dataset.trial = $('said').textContent;
  $('change').hidden = true;
  if (window.watchTrial) window.watchTrial();
}

// planned asks what something makes of the configuration and shows it.
async function planned(path, what, note) {
  if ($('said').dataset.trial !== $('said').textContent) say($('said'), '', ''); // it was of what was done before
  try {
    plan = Object.assign(await api('POST', path, what), {note});
    showChange(plan);
    $('save').disabled = plan.problems.length > 0 || !plan.changed;
    const rest = atFields(plan.problems);
    if (rest.length < plan.problems.length) { // what is wrong is said where it is mended
      if (rest.length) showProblems(rest); else $('change').hidden = true;
      return;
    }
    $('h-change').focus();
    $('change').scrollIntoView({block: 'start'});
  } catch (e) {
    failed(e);
  }
}

// What is changed after a change has been shown is not in it.
document.addEventListener('input', e => { if (e.target.closest('main form, #yaml')) $('change').hidden = true; });

function failed(e) {
  say($('said'), 'bad', t('failed', e.message));
  $('said').scrollIntoView({block: 'nearest'});
}

// saving has the change that is shown saved or put aside by its buttons; then does what comes after.
function saving(then) {
  if ($('discard')) $('discard').onclick = () => { $('change').hidden = true; };
  $('save').onclick = () => busy($('save'), async () => {
    try {
      saved(await api('PUT', 'config', {body: plan.body, base: plan.base, note: plan.note}));
      then();
      $('said').scrollIntoView({block: 'nearest'});
    } catch (e) {
      failed(e);
    }
  });
}
