// What every page needs: sentences, requests, and small conveniences.
'use strict';
const texts = JSON.parse(document.getElementById('texts').textContent);
// t says a sentence: {0} is its first argument, and {0|zone|zones} a word by how many that is.
const t = (key, ...args) => (texts[key] || key).replace(/\{(\d)\|([^|}]*)\|([^}]*)\}/g, (_, i, one, many) => Number(args[i]) === 1 ? one : many).replace(/\{(\d)\}/g, (_, i) => args[i]);
const $ = id => document.getElementById(id);

// el makes an element: a name, its properties, and its children.
function el(name, props = {}, ...children) {
  const e = Object.assign(document.createElement(name), props);
  e.append(...children.filter(c => c !== null && c !== undefined && c !== ''));
  return e;
}

let typed = false; // whether something on the page would be lost with it
document.addEventListener('input', e => { if (e.target.closest('main')) typed = true; });
const csrf = document.querySelector('meta[name=csrf]');

// signedOut leads to signing in: in another tab where something has been typed, so that it stays.
function signedOut() {
  if (!typed) { location.href = '/signin?next=' + encodeURIComponent(location.pathname); return; }
  if ($('expired')) return;
  const box = el('div', {id: 'expired', className: 'strip bad'}, t('expired') + ' ', el('a', {href: '/signin?next=/me', target: '_blank'}, t('expired.go')));
  box.setAttribute('role', 'alert');
  $('main').before(box);
}

// renew takes over the token of a session that began in another tab, and says whether there is one.
async function renew() {
  const res = await fetch('/me', {redirect: 'manual'});
  if (!res.ok) return false;
  const token = new DOMParser().parseFromString(await res.text(), 'text/html').querySelector('meta[name=csrf]').content, other = token !== csrf.content;
  csrf.content = token;
  for (const i of document.querySelectorAll('input[name=csrf]')) i.value = token;
  return other;
}

// send asks the box, and once more if somebody has signed in anew meanwhile.
async function send(method, path, body) {
  const ask = async () => {
    const res = await fetch('/api/v1/' + path, {
      method, headers: {'X-CSRF-Token': csrf.content, ...(body ? {'Content-Type': 'application/json'} : {})},
      body: body ? JSON.stringify(body) : undefined,
    });
    return {res, got: await res.json().catch(() => ({}))};
  };
  const first = await ask();
  return first.res.status === 403 && first.got.error && first.got.error.code === 'web.error.csrf' && await renew() ? ask() : first;
}

// api asks the box and returns its answer, or throws an Error with words for people.
async function api(method, path, body) {
  const {res, got} = await send(method, path, body).catch(() => { throw new Error(t('network')); });
  if (res.status === 401) signedOut(); else if ($('expired')) $('expired').remove();
  if (!res.ok) throw Object.assign(new Error(got.error ? got.error.text : t('network')), {got, status: res.status});
  return got;
}

// say shows how something went.
function say(where, level, what) {
  where.hidden = !what;
  where.className = 'strip ' + level;
  where.textContent = what;
}

// busy runs what a button does and shows on it that it is under way.
async function busy(button, run) {
  const label = button.textContent, held = document.activeElement === button; // which a disabled button loses
  button.disabled = true;
  button.textContent = t('sending');
  try {
    await run();
  } finally {
    button.disabled = false;
    button.textContent = label;
    if (held && document.activeElement === document.body) button.focus({preventScroll: true});
  }
}

// lasting takes a length of time as people write it in Chinese, such as 30秒 or 1小时.
const lasting = v => v.trim().replace(/(\d)\s*小时/g, '$1h').replace(/(\d)\s*分钟?/g, '$1m').replace(/(\d)\s*秒钟?/g, '$1s');
const two = n => String(n).padStart(2, '0');
const clock = d => two(d.getHours()) + ':' + two(d.getMinutes());
// when writes a time: of today without the date.
function when(iso) {
  const d = new Date(iso), now = new Date();
  return (d.toDateString() === now.toDateString() ? '' : d.getFullYear() + '-' + two(d.getMonth() + 1) + '-' + two(d.getDate()) + ' ') + clock(d);
}
function bytes(n) {
  return n < 1e3 ? n + ' B' : n < 1e6 ? Math.round(n / 1e3) + ' kB' : n < 1e9 ? (n / 1e6).toFixed(1) + ' MB' : (n / 1e9).toFixed(1) + ' GB';
}

const menu = $('menu');
if (menu) menu.onclick = () => {
  const open = $('nav').classList.toggle('open');
  $('own').classList.toggle('open', open);
  menu.setAttribute('aria-expanded', open);
};
for (const box of document.querySelectorAll('[data-show]')) {
  box.onchange = () => {
    for (const i of box.form.querySelectorAll('input[autocomplete$=password]')) i.type = box.checked ? 'text' : 'password';
  };
}

// A configuration on trial is told on every page, with what is left of its time.
const trial = $('trial');
if (trial) {
  let left = 0, id = 0, ticking = 0;
  const line = el('span'), keep = el('button', {type: 'button'}, t('keep')), back = el('button', {type: 'button'}, t('back'));
  trial.append(line, ' ', keep, ' ', back);
  const tick = () => {
    line.textContent = t('trial', t('minutes', Math.floor(left / 60), left % 60));
    if (left-- <= 0) window.watchTrial();
  };
  window.watchTrial = () => api('GET', 'config/trial').then(got => {
    ({id, left_seconds: left} = got);
    trial.hidden = !id;
    clearInterval(ticking);
    if (id) { tick(); ticking = setInterval(tick, 1000); }
  }).catch(e => { if (e.status !== 404) setTimeout(window.watchTrial, 2000); });
  const ended = yes => { // the notice that it is on trial holds no longer
    const said = $('said');
    if (said && said.dataset.trial === said.textContent && !said.hidden) say(said, 'good', t(yes ? 'kept' : 'wentback'));
  };
  const end = (button, yes) => busy(button, () => api('POST', 'config/trial', {id, keep: yes})).then(() => ended(yes)).catch(e => { line.textContent = t('failed', e.message); }).finally(window.watchTrial);
  keep.onclick = () => end(keep, true);
  back.onclick = () => end(back, false);
  window.watchTrial();
}
