// Shows what a change of the configuration changes, and saves it once it has been seen.
'use strict';
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
  try {
    plan = Object.assign(await api('POST', path, what), {note});
    showChange(plan);
    $('save').disabled = plan.problems.length > 0 || !plan.changed;
    $('h-change').focus();
    $('change').scrollIntoView({block: 'start'});
  } catch (e) {
    failed(e);
  }
}

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
