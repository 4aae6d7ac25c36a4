// A live picture: fragmented MP4 over a WebSocket into Media Source Extensions, JPEG
// pictures where that is what the camera sends. It tries again by itself, and says
// when the picture has stopped.
'use strict';
const stage = $('stage'), video = $('video'), jpeg = $('jpeg'), note = $('live');
let socket = null, queue = [], buffer = null, media = null, next = 'part', lastPicture = 0, lastWord = 0, firstPicture = 0, unsupported = '';
const hms = ms => { const d = new Date(ms); return clock(d) + ':' + two(d.getSeconds()); };

function begin(mime) {
  queue = [];
  buffer = null;
  unsupported = '';
  if (mime === 'image/jpeg') { next = 'jpeg'; return; }
  next = 'part';
  const Source = window.ManagedMediaSource || window.MediaSource;
  if (!Source || !Source.isTypeSupported(mime)) {
    unsupported = mime.includes('hvc1') ? 'H.265' : mime;
    return;
  }
  jpeg.hidden = true;
  media = new Source();
  video.disableRemotePlayback = true; // ManagedMediaSource asks for it
  const mine = media;
  media.onsourceopen = () => {
    URL.revokeObjectURL(video.src);
    if (mine !== media) return;
    buffer = media.addSourceBuffer(mime);
    buffer.onupdateend = feed;
    feed();
  };
  video.src = URL.createObjectURL(media);
}

// feed hands on what has come, and throws away what has been seen.
function feed() {
  if (!buffer || buffer.updating) return;
  try {
    const b = buffer.buffered;
    if (b.length && video.currentTime - b.start(0) > 20) { buffer.remove(0, video.currentTime - 10); return; }
    if (!queue.length) return;
    let n = 0;
    for (const q of queue) n += q.byteLength;
    const all = new Uint8Array(n);
    n = 0;
    for (const q of queue) { all.set(new Uint8Array(q), n); n += q.byteLength; }
    queue = [];
    buffer.appendBuffer(all);
  } catch {
    socket.close(); // begins anew
  }
}

// chase keeps close to the newest picture: a little faster when behind, a leap when far.
function chase() {
  const b = video.buffered;
  if (!b.length) return;
  const end = b.end(b.length - 1), behind = end - video.currentTime;
  if (behind > 1.5 || behind < 0 || video.currentTime < b.start(b.length - 1)) video.currentTime = Math.max(b.start(b.length - 1), end - 0.15);
  video.playbackRate = behind > 0.5 ? 1.1 : 1;
  if (video.paused) video.play().catch(() => {});
}

function connect() {
  socket = new WebSocket(location.origin.replace(/^http/, 'ws') + '/api/v1/cameras/' + encodeURIComponent(stage.dataset.id) + '/live');
  socket.binaryType = 'arraybuffer';
  socket.onmessage = e => {
    lastWord = Date.now();
    if (typeof e.data === 'string') {
      const m = JSON.parse(e.data);
      if (m.mime) { if (m.mime !== 'image/jpeg' || next !== 'jpeg') begin(m.mime); }
      return;
    }
    lastPicture = Date.now();
    if (next === 'jpeg') {
      const old = jpeg.src;
      jpeg.src = URL.createObjectURL(new Blob([e.data], {type: 'image/jpeg'}));
      jpeg.hidden = false;
      if (old) URL.revokeObjectURL(old);
      seenFirst();
      return;
    }
    queue.push(e.data);
    feed();
  };
  socket.onclose = () => setTimeout(connect, 2000);
}

const opened = performance.now();
function seenFirst() {
  if (!firstPicture) { firstPicture = performance.now() - opened; stage.dataset.first = Math.round(firstPicture); }
}

function tell() {
  const now = Date.now(), quiet = now - lastPicture;
  if (unsupported) say(note, 'warn', t('live.codec', unsupported));
  else if (!lastPicture) say(note, 'warn', t('live.wait'));
  else if (now - lastWord > 6000) say(note, 'bad', t('live.lost', hms(lastPicture)));
  else if (quiet > 3000) say(note, 'bad', t('live.stopped', hms(lastPicture)));
  else say(note, 'good', t('live.on', hms(lastPicture)));
  stage.classList.toggle('stopped', quiet > 3000);
}

if (video) {
  video.onplaying = seenFirst;
  video.onloadeddata = seenFirst;
  connect();
  setInterval(chase, 250);
  setInterval(tell, 1000);
  tell();
}
