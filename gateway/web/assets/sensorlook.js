// What comes by a bus or of a sensor, byte for byte and with its meaning, while it is looked
// at; and pairing: who is heard after a button was pressed, and is taken over.
'use strict';
const mostRows = 200, pairFor = 120;
let paused = false, pairing = null;
window.field = {};

function reveal(id) {
  for (const other of ['pair', 'look']) if (other !== id) $(other).hidden = true;
  $(id).hidden = false;
  $('h-' + id).focus();
  $(id).scrollIntoView({block: 'start'});
}

function closeLook() {
  $('look').hidden = $('pair').hidden = true;
  pairing = null;
  listen('');
}

window.field.look = (what, name) => {
  pairing = null;
  $('h-look').textContent = t('sn.lookat', name);
  $('heard').replaceChildren();
  $('dropped').textContent = '';
  reveal('look');
  listen(new URLSearchParams(what).toString());
};
$('look-stop').onclick = closeLook;
$('look-pause').onclick = () => { paused = !paused; $('look-pause').setAttribute('aria-pressed', paused); };

const meaning = r => el('div', {}, el('strong', {}, (r.name || r.sensor) + ' '), ...r.values.map(v => el('span', {className: 'value'}, v.text + ' ', el('b', {}, v.says))), r.why ? el('span', {className: 'badtext'}, t('sn.means.not', r.why)) : null);

function heardRow(h) {
  const d = new Date(h.at), wire = h.kind !== 'message';
  const who = wire ? t('sn.' + h.kind) : [h.address || t('sn.noaddress'), h.section, h.port ? 'FPort ' + h.port : '', h.rssi !== undefined ? Math.round(h.rssi) + ' dBm' : ''].filter(Boolean).join(' ');
  const means = wire ? [] : h.read.length ? h.read.map(meaning) : [el('span', {className: 'badtext'}, t('sn.nobody'))];
  return el('tr', {className: wire ? 'wire' : 'message'}, el('td', {className: 'num'}, clock(d) + ':' + two(d.getSeconds()) + '.' + String(d.getMilliseconds()).padStart(3, '0')), el('td', {}, who),
    el('td', {}, h.hex ? el('code', {}, h.hex + (h.more_bytes ? ' … +' + h.more_bytes : '')) : '', h.ascii ? el('div', {}, el('code', {}, '“' + h.ascii + '”')) : '', ...(h.codec || []).map(c => el('div', {}, el('code', {}, c)))),
    el('td', {}, ...means));
}

window.field.heard = got => {
  if (pairing) { for (const h of got.heard) if (h.kind === 'message') for (const r of h.read) pairing.known.set(r.sensor, r); showPair(); }
  if ($('look').hidden || paused) return;
  $('heard').prepend(...got.heard.reverse().map(heardRow));
  while ($('heard').children.length > mostRows) $('heard').lastChild.remove();
  if (got.dropped) $('dropped').textContent = t('sn.dropped', got.dropped);
};

// Pairing counts down on the page; who is heard meanwhile is told by the box.
window.field.pair = bus => {
  pairing = {bus, from: Date.now() + skew - 500, until: Date.now() + 1000 * pairFor, known: new Map()};
  const b = estate.buses.find(x => x.id === bus);
  $('h-pair').textContent = t('sn.pairing', b ? named(b) : bus);
  $('strangers').replaceChildren();
  reveal('pair');
  listen(new URLSearchParams({bus}).toString());
  showPair();
};

function strangerItem(bus, x) {
  const fits = x.fits.map(f => el('li', {}, f.name + '：', f.values.map(v => v.text + ' ' + v.says).join('，')));
  return el('li', {className: 'warn'}, el('span', {className: 'mark'}, t('sn.new')), el('strong', {}, x.address || t('sn.noaddress')), ' ', since(x.heard),
    el('p', {className: 'hint'}, [t('sn.times', x.count), x.rssi !== undefined && strength(x.rssi)].filter(Boolean).join(' · '), x.hex ? el('code', {}, ' ' + x.hex) : null),
    fits.length ? el('div', {}, t('sn.fits'), el('ul', {}, ...fits)) : null,
    el('p', {className: 'buttons'}, button(t('sn.take'), x.address, () => window.field.take(bus, x))));
}

function showPair() {
  if (!pairing || !estate) return;
  const b = estate.buses.find(x => x.id === pairing.bus), left = Math.max(0, Math.round((pairing.until - Date.now()) / 1000));
  say($('countdown'), left ? 'good' : 'warn', left ? t('sn.press', left) : t('sn.pair.over'));
  $('pairbus').replaceChildren(...(b ? [el('span', {className: b.state.level}, el('span', {className: 'mark'}, t('level.' + b.state.level)), b.state.text)] : []));
  const all = b ? b.strangers.filter(x => new Date(x.heard) >= pairing.from) : [];
  const is = JSON.stringify([all, [...pairing.known]]);
  if (is === pairing.shown) return;
  pairing.shown = is;
  $('strangers').replaceChildren(...all.map(x => strangerItem(pairing.bus, x)), ...[...pairing.known.values()].map(r => el('li', {className: r.why ? 'bad' : 'good'}, el('span', {className: 'mark'}, t('sn.known')), meaning(r))));
}
document.addEventListener('estate', showPair);
setInterval(showPair, 1000);
$('pair-stop').onclick = closeLook;
$('pair-again').onclick = () => window.field.pair(pairing ? pairing.bus : estate.buses[0].id);

window.field.tryOut = (b, id, seconds) => busy(b, async () => {
  try {
    await api('POST', 'outputs/' + encodeURIComponent(id) + '/try', {seconds});
    say($('said'), 'good', seconds ? t('sn.tried', id, seconds) : t('sn.isoff', id));
  } catch (e) {
    say($('said'), 'bad', t('failed', e.message));
  }
});
window.field.arm = (b, area, armed) => busy(b, async () => {
  try {
    await api('POST', 'areas', {area, armed});
    say($('said'), 'good', area + ' ' + t(armed ? 'sn.armed' : 'sn.disarmed'));
  } catch (e) {
    say($('said'), 'bad', t('failed', e.message));
  }
});
