// A live picture: fragmented MP4 over a WebSocket into Media Source Extensions, JPEG
// pictures where that is what the camera sends. Before it comes, beneath it, and where the
// browser cannot play it there are stills, with their age. It tries again by itself, and
// says when the picture has stopped.
'use strict';
const stage = $('stage'), video = $('video'), jpeg = $('jpeg'), note = $('live');
const stillsOnly = stage.dataset.stills !== undefined, stillEvery = 1000, oldStill = 15000, again = 60000;
let still = 0, moved = 0, shownTime = 0; // when the still was taken, and when the video last moved
let socket = null, queue = [], buffer = null, media = null, next = 'part', lastPicture = 0, lastWord = 0, firstPicture = 0, unsupported = '';
let frameAge = 0; // of what comes next, in milliseconds
let mediaStart = 0; // media time at which the stream begins, in seconds
const long = s => s < 60 ? t('seconds', Math.round(s)) : t('minutes', Math.floor(Math.round(s) / 60), Math.round(s) % 60);
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
    video.removeAttribute('src'); // it would cover the stills
    video.load();
    socket.close(); // which is tried again later: the camera may be set to another codec
    takeStills();
    return;
  }
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

// takeStills shows the newest still, again and again until there is video.
const playing = () => video && (next === 'jpeg' ? lastPicture > 0 : video.videoWidth > 0) && !unsupported;
let taking = false;
async function takeStills() {
  if (taking) return;
  taking = true;
  while (!playing()) {
    if (!document.hidden) await takeStill().catch(() => {});
    await new Promise(r => setTimeout(r, stillEvery));
  }
  taking = false;
}

async function takeStill() {
  const res = await fetch('/api/v1/cameras/' + encodeURIComponent(stage.dataset.id) + '/still');
  if (res.status === 401) signedOut();
  lastWord = Date.now();
  if (!res.ok) return;
  const age = Number(res.headers.get('X-Picture-Age')), data = await res.blob();
  if (playing()) return;
  showStill(data);
  still = Date.now() - age;
  if (unsupported || stillsOnly) seenFirst();
}

function showStill(data) {
  const old = jpeg.src;
  jpeg.src = URL.createObjectURL(data);
  jpeg.hidden = false;
  if (old) URL.revokeObjectURL(old);
}

// chase keeps close to the newest picture: a little faster when behind, a leap when far. A stream begins
// with the newest keyframe, which may be seconds old, so that the first thing is a leap.
let begun = null;
function chase() {
  const b = video.buffered;
  if (!b.length) return;
  const end = b.end(b.length - 1), behind = end - video.currentTime;
  const late = begun === media ? 1 : 0.4;
  begun = media;
  if (behind > late || behind < 0 || video.currentTime < b.start(b.length - 1)) video.currentTime = Math.max(b.start(b.length - 1), end - 0.15);
  video.playbackRate = behind > 0.7 ? 1.3 : behind > 0.35 ? 1.15 : 1;
  if (video.paused) video.play().catch(() => {});
  // Data that come while the picture stands still: the decoder is stuck, and begins anew.
  if (document.hidden) moved = 0; // nobody plays it then
  else if (video.currentTime !== shownTime) { shownTime = video.currentTime; moved = Date.now(); }
  else if (moved && Date.now() - moved > 5000 && Date.now() - lastPicture < 1000) { moved = 0; socket.close(); }
}

function connect() {
  socket = new WebSocket(location.origin.replace(/^http/, 'ws') + '/api/v1/cameras/' + encodeURIComponent(stage.dataset.id) + '/live');
  socket.binaryType = 'arraybuffer';
  socket.onmessage = e => {
    lastWord = Date.now();
    if (typeof e.data === 'string') {
      const m = JSON.parse(e.data);
      if (m.age) frameAge = m.age;
      if (m.mime) { mediaStart = m.at || 0; if (window.newStream) window.newStream(); if (m.mime !== 'image/jpeg' || next !== 'jpeg') begin(m.mime); }
      return;
    }
    if (unsupported) return;
    lastPicture = Date.now() - frameAge; // what is kept comes first, and may be old
    frameAge = 0;
    if (next === 'jpeg') {
      showStill(new Blob([e.data], {type: 'image/jpeg'}));
      seenFirst();
      return;
    }
    queue.push(e.data);
    feed();
  };
  socket.onclose = () => setTimeout(connect, unsupported ? again : 2000);
}

// seenFirst notes how long the first picture took, from when the page was asked for.
function seenFirst() {
  if (!firstPicture) { firstPicture = performance.now(); stage.dataset.first = Math.round(firstPicture); }
}

function tell() {
  const now = Date.now(), stills = unsupported || stillsOnly, last = stills ? still : lastPicture, quiet = now - last, age = Math.max(0, Math.round((now - still) / 1000));
  const stopped = quiet > (stills ? oldStill : 3000);
  if (last && now - lastWord > 6000) say(note, 'bad', t('live.lost', hms(last)));
  else if (last && stopped) say(note, 'bad', t('live.stopped', hms(last), long(quiet / 1000)));
  else if (unsupported && last) say(note, 'warn', t('live.codec', unsupported, age));
  else if (stillsOnly && last) say(note, 'warn', t('live.stills', age));
  else if (!last || !playing()) say(note, 'warn', still ? t('live.still', age) : t('live.wait'));
  else say(note, 'good', t('live.on', hms(last)));
  stage.classList.toggle('stopped', stopped);
  $('frozen').hidden = !(last && stopped);
}

if (video) {
  video.onplaying = seenFirst;
  video.onloadeddata = seenFirst;
  connect();
  setInterval(chase, 250);
}
takeStills();
setInterval(tell, 1000);
tell();
