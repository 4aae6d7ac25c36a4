// Zones and rules that are not saved yet are kept in this tab, so that leaving the page and coming back loses nothing.
'use strict';
const draft = 'draft ' + camera, own = () => { const {state, kinds, ...all} = scene; return JSON.stringify(all, (k, v) => k === 'floors' && v && !v.length ? undefined : v); };
let loaded = '';
function keepDraft() {
  if (own() === loaded) sessionStorage.removeItem(draft);
  else sessionStorage.setItem(draft, JSON.stringify({of: loaded, own: own()}));
}

// takeDraft notes the scene that was loaded, and puts back what was changed of it. It says whether there was anything.
function takeDraft() {
  loaded = own();
  const kept = editor && JSON.parse(sessionStorage.getItem(draft));
  if (!kept || kept.of !== loaded) return false;
  keep();
  Object.assign(scene, JSON.parse(kept.own));
  return true;
}
