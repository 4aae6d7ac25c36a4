// The site's names and its uplinks, and a test of the way to the duty room.
'use strict';
const form = $('form');
let uplinks = [];

function uplinkItem(u, i) {
  const box = el('div', {className: 'fields'});
  const add = (label, key, props = {}) => { const n = el('input', {value: u[key] || '', autocapitalize: 'off', ...props}); n.dataset.key = key; n.oninput = () => { u[key] = n.value; }; box.append(el('label', {}, label, n)); };
  add(t('up.address'), 'address', {required: true, inputMode: 'url'});
  add(t('up.user'), 'user');
  add(t('up.password') + (u.has_password ? t('up.keep') : ''), 'password', {type: 'password', autocomplete: 'new-password'});
  add(t('up.name'), 'name', {maxLength: 64});
  add(t('up.month'), 'month');
  const remove = el('button', {type: 'button', className: 'danger'}, t('remove')), up = el('button', {type: 'button'}, '↑ ' + t('up.up'));
  remove.onclick = () => { uplinks.splice(i, 1); show(); };
  up.onclick = () => { [uplinks[i - 1], uplinks[i]] = [uplinks[i], uplinks[i - 1]]; show(); };
  u.node = el('div', {}); // whether it answers
  state(u);
  const row = el('li', {}, u.node, box, certificates(u), el('p', {className: 'buttons'}, i ? up : null, remove));
  row.dataset.at = 'uplink.mqtt[' + i + ']';
  return row;
}

// pem returns a file's certificates: one that is not PEM is taken for DER.
async function pem(file) {
  const all = new Uint8Array(await file.slice(0, 262144).arrayBuffer()), text = new TextDecoder().decode(all);
  if (all[0] !== 0x30 || text.includes('-----BEGIN ')) return text;
  return '-----BEGIN CERTIFICATE-----\n' + btoa(Array.from(all, c => String.fromCharCode(c)).join('')).replace(/.{64}/g, '$&\n') + '\n-----END CERTIFICATE-----\n';
}

// certificates has the files of the CA and of our own certificate, which can be given here.
function certificates(u) {
  const give = (title, parts, paths) => {
    const said = el('p', {className: 'strip', hidden: true, role: 'status'}), areas = {}, inputs = {}, fields = el('div', {className: 'fields'});
    for (const key of paths) {
      inputs[key] = el('input', {value: u[key] || '', autocapitalize: 'off', oninput: () => { u[key] = inputs[key].value; }});
      inputs[key].dataset.key = key;
      fields.append(el('label', {}, t('up.' + key), inputs[key]));
    }
    const inside = [];
    for (const [key, label] of parts) {
      const area = areas[key] = el('textarea', {rows: 3, autocapitalize: 'off', autocomplete: 'off', spellcheck: false}), file = el('input', {type: 'file'});
      area.dataset.pem = key;
      file.onchange = async () => { if (file.files.length) area.value = await pem(file.files[0]); };
      inside.push(el('label', {}, t(label), area), el('label', {}, t('up.file'), file));
    }
    const go = el('button', {type: 'button'}, t('up.keep.go'));
    go.dataset.keep = parts[0][0];
    go.onclick = () => busy(go, async () => {
      try {
        const got = await api('POST', 'uplink/certificates', Object.fromEntries(parts.map(([key]) => [key, areas[key].value || ' '])));
        for (const key of paths) inputs[key].value = u[key] = got[key];
        for (const [key] of parts) areas[key].value = '';
        for (const f of box.querySelectorAll('input[type=file]')) f.value = '';
        say(said, 'good', t('up.kept', got.text));
      } catch (e) {
        say(said, 'bad', t('failed', e.message));
      }
    });
    const box = el('details', {}, el('summary', {}, t(title)), ...inside, el('p', {className: 'buttons'}, go), said);
    return [fields, u[paths[0] + '_text'] ? el('p', {className: 'hint'}, u[paths[0] + '_text']) : null, box];
  };
  return el('div', {}, ...[...give('up.givecas', [['ca', 'up.pemcas']], ['ca']), ...give('up.giveclient', [['cert', 'up.pemcert'], ['key', 'up.pemkey']], ['cert', 'key'])].filter(Boolean));
}

function state(u) {
  const s = u.state, key = JSON.stringify(s);
  if (!s || !u.node || u.node.dataset.key === key) return;
  u.node.dataset.key = key;
  u.node.className = 'state ' + s.level;
  u.node.replaceChildren(el('p', {className: s.level}, el('span', {className: 'mark'}, t('level.' + s.level)), el('strong', {}, s.text), s.since ? el('span', {className: 'since'}, ' ' + t('since', when(s.since))) : null),
    ...[s.hint ? el('p', {}, s.hint) : null, s.why ? el('details', {}, el('summary', {}, t('why')), el('code', {}, s.why)) : null].filter(Boolean));
}

// follow keeps how each broker is up to date, and leaves what is being typed alone.
setInterval(async () => {
  const s = await api('GET', 'settings').catch(() => null); // the gateway may begin again
  for (const u of s ? uplinks.filter(u => u.old) : []) {
    u.state = (s.uplinks[u.old - 1] || {}).state;
    state(u);
  }
}, 3000);

const show = () => $('uplinks').replaceChildren(...uplinks.map(uplinkItem));

async function load() {
  const s = await api('GET', 'settings');
  for (const n of ['id', 'street', 'community', 'timezone']) form[n].value = s[n];
  uplinks = s.uplinks;
  show();
}

$('add').onclick = () => { uplinks.push({old: 0, address: 'mqtts://'}); show(); };
form.onsubmit = e => {
  e.preventDefault();
  planned('settings/plan', {id: form.id.value, street: form.street.value, community: form.community.value, timezone: form.timezone.value,
    uplinks: uplinks.map(({old, name, address, user, password, ca, cert, key, month}) => ({old, name: name || '', address, user: user || '', password: password || '', ca: ca || '', cert: cert || '', key: key || '', month: month || ''}))}, '');
};
saving(() => setTimeout(() => load().catch(() => setTimeout(load, 3000)), 2500));

$('test').onclick = () => busy($('test'), async () => {
  const steps = [];
  const tell = (level, what) => $('steps').replaceChildren(...steps.map(s => el('li', {className: 'good'}, s)), what ? el('li', {className: level}, what) : '');
  const round = n => n.toFixed(1);
  try {
    const {id} = await api('POST', 'uplink/test');
    steps.push(t('test.raised'));
    let delivered = false;
    for (;;) {
      const s = await api('GET', 'uplink/test/' + id).catch(e => { if (e.status) throw e; return null; });
      if (s) {
        if (s.delivered && !delivered) { delivered = true; steps.push(t('test.delivered', round(s.elapsed_seconds))); }
        if (s.answered_seconds) { steps.push(t('test.answered', round(s.answered_seconds), s.by || '?')); tell(); return; }
        if (s.elapsed_seconds > 300) { tell('bad', t('test.giveup')); return; }
        tell('warn', t(delivered ? 'test.waitduty' : 'test.wait', round(s.elapsed_seconds)));
      }
      await new Promise(r => setTimeout(r, 300));
    }
  } catch (e) {
    tell('bad', t('failed', e.message));
  }
});
load().catch(e => say($('said'), 'bad', t('failed', e.message)));
