// What every page needs: sentences, requests, times.
'use strict';
const texts = JSON.parse(document.getElementById('texts').textContent);
const t = (key, ...args) => (texts[key] || key).replace(/\{(\d)\}/g, (_, i) => args[i]);
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
const clock = ms => { const d = new Date(ms); return two(d.getHours()) + ':' + two(d.getMinutes()); };
// when writes a time: of today without the date.
function when(ms) {
  const d = new Date(ms);
  return (d.toDateString() === new Date().toDateString() ? '' : d.getFullYear() + '-' + two(d.getMonth() + 1) + '-' + two(d.getDate()) + ' ') + clock(ms);
}
