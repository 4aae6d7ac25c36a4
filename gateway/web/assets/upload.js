// A file goes to the box.
'use strict';

// upload sends a file and tells how much of it has gone, of how much, which fetch cannot.
const upload = (path, head, file, progress) => new Promise((yes, no) => {
  const x = new XMLHttpRequest();
  x.open('PUT', path);
  for (const [k, v] of Object.entries({...head, 'Content-Type': 'application/octet-stream'})) x.setRequestHeader(k, v);
  x.upload.onprogress = e => progress(e.loaded, e.total);
  x.onerror = () => no(new Error(t('network')));
  x.onload = () => {
    let got = {};
    try { got = JSON.parse(x.responseText); } catch { /* told below */ }
    if (x.status === 200) yes(got); else no(new Error(got.error ? got.error.text : t('network')));
  };
  x.send(file);
});
