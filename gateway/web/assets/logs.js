// The newest lines of the log, by level, part, text and time. New ones come by themselves.
'use strict';
const filter = $('filter'), shown = 500;
let newest = 0, timer = 0, asked = 0;

function lineItem(l) {
  const d = new Date(l.at);
  return el('tr', {className: {WARN: 'warn', ERROR: 'bad'}[l.level] || ''}, el('td', {className: 'num'}, when(l.at) + ':' + two(d.getSeconds())),
    el('td', {}, l.level), el('td', {}, l.part), el('td', {className: 'log'}, l.text));
}

// parts are offered as they appear, and the one that was chosen stays.
function offer(parts) {
  const known = new Set([...filter.part.options].map(o => o.value));
  for (const p of parts) if (!known.has(p)) filter.part.append(el('option', {value: p}, p));
}

async function load(fresh) {
  clearTimeout(timer);
  const mine = ++asked, q = {level: filter.level.value, text: filter.text.value, part: filter.part.value};
  for (const n of ['since', 'until']) if (filter[n].value) q[n] = new Date(filter[n].value).toISOString();
  if (!fresh) q.after = newest;
  try {
    const got = await api('GET', 'logs?' + new URLSearchParams(q));
    if (mine !== asked) return; // the filter was changed meanwhile
    say($('said'), 'good', '');
    offer(got.parts);
    if (got.lines.length) newest = Math.max(newest, got.lines[0].n);
    const rows = got.lines.map(lineItem);
    if (fresh) $('lines').replaceChildren(...rows); else $('lines').prepend(...rows);
    while ($('lines').children.length > shown) $('lines').lastChild.remove();
    $('nolines').hidden = $('lines').children.length > 0;
  } catch (e) {
    if (mine !== asked) return;
    say($('said'), 'bad', t('failed', e.message));
    newest = 0; // the box may have started anew, and counts from 1
    fresh = true;
  }
  if (filter.live.checked) timer = setTimeout(load, 2000, newest === 0);
}

filter.onsubmit = e => { e.preventDefault(); load(true); };
filter.onchange = () => load(true);
load(true);
