// Sounds. Parts between 500 and 1500 Hz, which older ears hear (ISO 7731), in pulses. A browser lets a page
// sound only after somebody has touched it.
'use strict';
const tone = {ctx: null};

tone.wake = () => {
  tone.ctx = tone.ctx || new AudioContext();
  return tone.ctx.resume();
};
tone.silent = () => !tone.ctx || tone.ctx.state !== 'running';

// beeps plays frequencies one after the other, each for some seconds.
tone.beeps = (list, each = 0.22, gap = 0.08) => {
  if (tone.silent()) return;
  let at = tone.ctx.currentTime + 0.02;
  for (const f of list) {
    const gain = tone.ctx.createGain();
    gain.gain.setValueAtTime(0, at);
    gain.gain.linearRampToValueAtTime(0.5, at + 0.02);
    gain.gain.setValueAtTime(0.5, at + each - 0.03);
    gain.gain.linearRampToValueAtTime(0, at + each);
    gain.connect(tone.ctx.destination);
    for (const part of [f, f * 1.5]) {
      const o = tone.ctx.createOscillator();
      o.type = 'triangle';
      o.frequency.value = part;
      o.connect(gain);
      o.start(at);
      o.stop(at + each);
    }
    at += each + gap;
  }
};
tone.test = () => tone.beeps([660, 880]);
tone.alarm = grave => tone.beeps(grave ? [880, 660, 880, 660, 880, 660] : [770, 770]);
tone.late = () => tone.beeps([990, 990, 990, 990], 0.12);
tone.lost = () => tone.beeps([520, 390], 0.5);
