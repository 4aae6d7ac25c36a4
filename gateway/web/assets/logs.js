// The newest lines of the log, by level and text.
'use strict';
const filter = $('filter');
const load = () => api('GET', 'logs?' + new URLSearchParams({level: filter.level.value, text: filter.text.value})).then(all => {
  say($('said'), 'good', '');
  $('lines').replaceChildren(...all.map(l => {
    const d = new Date(l.at);
    return el('tr', {className: {WARN: 'warn', ERROR: 'bad'}[l.level] || ''}, el('td', {className: 'num'}, when(l.at) + ':' + two(d.getSeconds())), el('td', {}, l.level), el('td', {className: 'log'}, l.text));
  }));
}).catch(e => say($('said'), 'bad', t('failed', e.message)));
filter.onsubmit = e => { e.preventDefault(); load(); };
filter.onchange = load;
load();
