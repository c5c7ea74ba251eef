/* Sound: all versions of a passage run at once from the same instant; only their gains differ. */

const FADE_S = 0.02;

let context = null;
const audio = () => (context ??= new AudioContext({ latencyHint: "interactive" }));

class Player {
  constructor(passage) {
    this.passage = passage;
    this.version = 0;
    this.offset = 0;
    this.startedAt = null;
    this.voices = [];
    this.buffers = null;
    this.onchange = () => {};
  }
  get playing() { return this.startedAt !== null; }
  get length() { return this.passage.length_s; }
  position() {
    if (!this.playing) return this.offset;
    const at = this.offset + Math.max(0, audio().currentTime - this.startedAt);
    return Math.min(at, this.length);
  }
  load() {
    this.buffers ??= Promise.all(this.passage.clips.map((clip) =>
      audio().decodeAudioData(bytes(clip.slice(clip.indexOf(",") + 1)).buffer)));
    return this.buffers;
  }
  async play() {
    if (this.playing) return;
    const wanted = (this.wish = {});
    const resumed = audio().resume();
    const buffers = await this.load();
    await resumed;
    if (this.wish !== wanted || this.playing) return;
    if (this.offset > this.length - 0.05) this.offset = 0;
    const when = audio().currentTime + 0.03;
    this.output = audio().createGain();
    this.output.gain.setValueAtTime(0, when);
    this.output.gain.linearRampToValueAtTime(1, when + FADE_S);
    this.output.connect(audio().destination);
    this.voices = buffers.map((buffer, index) => {
      const source = audio().createBufferSource();
      const gain = audio().createGain();
      source.buffer = buffer;
      gain.gain.value = index === this.clip() ? 1 : 0;
      source.connect(gain).connect(this.output);
      source.start(when, this.offset);
      return { source, gain };
    });
    const source = this.voices[0].source;
    source.onended = () => { if (this.voices[0]?.source === source) { this.halt(); this.offset = 0; this.onchange(); } };
    this.startedAt = when;
    this.onchange();
  }
  pause() {
    this.wish = null;
    this.offset = this.position();
    this.halt();
    this.onchange();
  }
  halt() {
    const voices = this.voices;
    this.voices = [];
    this.startedAt = null;
    if (!voices.length) return;
    const now = audio().currentTime;
    this.output.gain.cancelScheduledValues(now);
    this.output.gain.setTargetAtTime(0, now, FADE_S / 4);
    for (const { source } of voices) source.stop(now + FADE_S);
  }
  seek(seconds) {
    const again = this.playing;
    this.halt();
    this.offset = Math.max(0, Math.min(seconds, this.length));
    if (again) this.play();
    this.onchange();
  }
  clip() { return this.passage.versions[this.version].clip; }
  choose(version) {
    this.version = version;
    if (this.playing) {
      const now = audio().currentTime;
      this.voices.forEach(({ gain }, index) => {
        gain.gain.cancelScheduledValues(now);
        gain.gain.setValueAtTime(gain.gain.value, now);
        gain.gain.linearRampToValueAtTime(index === this.clip() ? 1 : 0, now + FADE_S);
      });
    }
    this.onchange();
  }
}
