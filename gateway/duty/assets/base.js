// What every page needs: sentences, requests, times.
'use strict';
const texts = JSON.parse(document.getElementById('texts').textContent);
// t is a sentence of the catalogue: {0} is an argument, {0|one|many} goes by how many it is.
const t = (key, ...args) => (texts[key] || key).replace(/\{(\d)\|([^|}]*)\|([^}]*)\}/g, (_, i, one, many) => Number(args[i]) === 1 ? one : many).replace(/\{(\d)\}/g, (_, i) => args[i]);
const $ = id => document.getElementById(id);

// el makes an element: a name, its properties, and its children.
function el(name, props = {}, ...children) {
  const e = document.createElement(name);
  for (const [k, v] of Object.entries(props)) if (k.includes('-') || k === 'role') e.setAttribute(k, v); else e[k] = v;
  e.append(...children.filter(c => c !== null && c !== undefined && c !== ''));
  return e;
}

// api asks the console and returns its answer, or throws an Error with words for people.
async function api(method, path, body) {
  let res;
  try {
    res = await fetch('/api/' + path, {
      method, headers: {'X-CSRF-Token': document.querySelector('meta[name=csrf]').content, ...(body ? {'Content-Type': 'application/json'} : {})},
      body: body ? JSON.stringify(body) : undefined,
    });
  } catch {
    throw new Error(t('network'));
  }
  if (res.status === 401) location.href = '/signin';
  const got = await res.json().catch(() => ({}));
  if (!res.ok) throw new Error(got.error || t('network'));
  return got;
}

const two = n => String(n).padStart(2, '0');
// Times are the room's, wherever the browser is.
const zoned = (() => {
  const form = zone => new Intl.DateTimeFormat('sv-SE', {timeZone: zone, year: 'numeric', month: '2-digit', day: '2-digit', hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23'});
  try { return form(document.body.dataset.zone); } catch { return form('Asia/Shanghai'); }
})();
// parted writes a time as its date and its time of day, with seconds.
const parted = ms => { const p = Object.fromEntries(zoned.formatToParts(ms).map(x => [x.type, x.value])); return [p.year + '-' + p.month + '-' + p.day, p.hour + ':' + p.minute + ':' + p.second]; };
const clock = ms => parted(ms)[1].slice(0, 5);
// when writes a time: of today without the date.
function when(ms) {
  const [day, time] = parted(ms);
  return (day === parted(Date.now())[0] ? '' : day + ' ') + time.slice(0, 5);
}
// aside and noted put words in brackets and after a colon, as the language writes them.
const aside = words => t('aside', words), noted = (words, note) => note ? t('by', words, note) : words;
const severity = n => n === 1 ? t('gravest') : t('severity', n);
const testOnly = a => a.test ? el('p', {className: 'testonly'}, t('testonly')) : null;
// extra are the facts of alerts: how often, whether they went up, and what else is known of one.
function extra(all, one) {
  const times = all.reduce((n, c) => n + Math.max(c.count, 1), 0);
  return [times > 1 ? t('times', times) : '', ...new Set(all.map(c => c.raised)), ...one.facts].filter(s => s);
}
// comes says how far what was asked for is.
const comes = (c, job, part) => job.status === 'coming' ? t(part + 'come', job.percent) : t(c.offline ? 'later' : part + 'wait');
