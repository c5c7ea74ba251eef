"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const FADE_S = 0.02;
  const STEP_S = 2;
  const BEFORE_MARK_S = 0.5;
  const WORDS = {
    original: ["Original", "The recording as it is."],
    leave: ["Leave", "The bed stays at its level; only holes in the sound are filled."],
    duck: ["Duck", "The bed goes down under the speech and comes back between phrases."],
    reduce: ["Reduce", "The bed is lowered by the same amount throughout."],
    remove: ["Remove", "The bed is taken away as far as the floor allows."],
    auto: ["Auto", "For every phrase the lightest treatment that makes it clear."],
    result: ["Result", "The finished file, as it decodes."],
  };
  const calm = matchMedia("(prefers-reduced-motion: reduce)");
  const live = document.getElementById("live");

  const bytes = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const number = (value, digits = 1) => value.toFixed(digits).replace("-", "\u2212");
  const signed = (value) => (value >= 0.05 ? "+" : "") + number(value);
  const clock = (seconds, tenths = false) => {
    const unit = tenths ? 10 : 1;
    const whole = Math.floor(seconds * unit + 1e-6);
    const minutes = Math.floor(whole / (60 * unit));
    const rest = (whole / unit) % 60;
    const head = minutes < 60 ? `${minutes}` : `${Math.floor(minutes / 60)}:${String(minutes % 60).padStart(2, "0")}`;
    return `${head}:${rest.toFixed(tenths ? 1 : 0).padStart(tenths ? 4 : 2, "0")}`;
  };
  const make = (name, text, parent) => {
    const node = document.createElement(name);
    node.textContent = text;
    parent.append(node);
    return node;
  };

  const marksInWords = (name, shown, count) => {
    if (name === "original") return "No artefacts: this is the recording itself.";
    if (count === null) return "Not judged: the ledger is off.";
    if (!count) return "No artefacts found.";
    const more = shown < count ? `, the worst ${shown} of them` : "";
    return `${count} ${count === 1 ? "artefact" : "artefacts"}${more}`;
  };

  let context = null;
  const audio = () => (context ??= new AudioContext({ latencyHint: "interactive" }));

  /* All versions of a passage run at once from the same instant; only their gains differ. */
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

  const colour = (name) => {
    const value = getComputedStyle(document.documentElement).getPropertyValue(name).trim();
    return [1, 3, 5].map((at) => parseInt(value.slice(at, at + 2), 16));
  };
  const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const palette = () => {
    const stops = [colour("--spectrum-low"), colour("--spectrum-middle"), colour("--spectrum-high")];
    return Array.from({ length: 256 }, (_, shade) => {
      const at = (shade / 255) * 2;
      const low = Math.min(1, Math.floor(at));
      return stops[low].map((from, i) => from + (stops[low + 1][i] - from) * (at - low));
    });
  };
  const drawSpectrum = (canvas, shades, colours) => {
    const { columns, bands } = data;
    canvas.width = columns;
    canvas.height = bands;
    const image = new ImageData(columns, bands);
    for (let band = 0; band < bands; band++) {
      for (let column = 0; column < columns; column++) {
        const at = 4 * ((bands - 1 - band) * columns + column);
        image.data.set(colours[shades[band * columns + column]], at);
        image.data[at + 3] = 255;
      }
    }
    canvas.getContext("2d").putImageData(image, 0, 0);
  };
  const sized = (canvas) => {
    const scale = Math.min(3, window.devicePixelRatio || 1);
    canvas.width = Math.max(1, Math.round(canvas.clientWidth * scale));
    canvas.height = Math.max(1, Math.round(canvas.clientHeight * scale));
    const pen = canvas.getContext("2d");
    pen.scale(canvas.width, canvas.height);
    return [pen, canvas.width, canvas.height];
  };
  const drawWave = (canvas, waves) => {
    const [pen, width, height] = sized(canvas);
    pen.resetTransform();
    const top = Math.max(20, ...waves.map(({ peaks }) => peaks.reduce((most, value) => Math.max(most, Math.abs(value)), 0)));
    for (const { peaks, fill } of waves) {
      pen.fillStyle = fill;
      const wide = width / data.columns;
      for (let column = 0; column < data.columns; column++) {
        const low = peaks[2 * column] / top;
        const high = peaks[2 * column + 1] / top;
        const y = height * (0.5 - 0.49 * high);
        pen.fillRect(column * wide, y, Math.max(wide - 0.25, 0.75), Math.max(height * 0.49 * (high - low), 1));
      }
    }
  };
  const drawGain = (canvas, curve, deepest) => {
    const [pen, width, height] = sized(canvas);
    pen.resetTransform();
    const place = (gain) => height * (0.12 + 0.76 * (gain / deepest));
    pen.strokeStyle = pen.fillStyle = css("--accent");
    pen.lineWidth = 1.5 * Math.min(3, window.devicePixelRatio || 1);
    pen.beginPath();
    const points = curve.length ? curve : [0, 0];
    points.forEach((gain, index) => pen.lineTo((width * index) / (points.length - 1), place(gain)));
    pen.stroke();
    pen.lineTo(width, place(0));
    pen.lineTo(0, place(0));
    pen.globalAlpha = 0.12;
    pen.fill();
  };

  const views = data.passages.map((passage, index) => build(passage, index));
  let active = views[0];

  function build(passage, index) {
    const player = new Player(passage);
    const root = document.getElementById("passage").content.cloneNode(true).firstElementChild;
    const find = (selector) => root.querySelector(selector);
    const title = `${clock(passage.start_s)} to ${clock(passage.start_s + passage.length_s)}`;
    find("h2").textContent = title;
    find("h2").id = `passage-${index + 1}`;
    root.setAttribute("aria-labelledby", `passage-${index + 1}`);
    find(".reason").textContent = `${passage.reason[0].toUpperCase()}${passage.reason.slice(1)}. Speech fills ${Math.round(100 * passage.speech_share)} %.`;
    const play = find(".play");
    const timeline = find(".timeline");
    const pictures = passage.versions.map((version) => ({
      wave: new Int8Array(bytes(version.wave).buffer),
      spectrum: bytes(version.spectrum),
    }));
    const deepest = Math.min(-6, ...passage.versions.flatMap((version) => version.curve_db));
    make("span", `${number(deepest, 0)} dB`, find(".gain")).className = "scale";
    const buttons = passage.versions.map((version, at) => {
      const button = make("button", "", find(".versions"));
      button.type = "button";
      make("kbd", String(at + 1), button).setAttribute("aria-hidden", "true");
      button.append(WORDS[version.name][0]);
      button.addEventListener("click", () => { active = view; player.choose(at); announce(); });
      return button;
    });
    for (const [from, to] of passage.speech) {
      const span = make("i", "", find(".spans"));
      span.style.left = `${100 * from}%`;
      span.style.width = `${100 * (to - from)}%`;
    }
    const ticks = Math.max(2, Math.min(7, Math.round(passage.length_s / 5) + 1));
    for (let tick = 0; tick < ticks; tick++) {
      const share = tick / (ticks - 1);
      make("span", clock(passage.start_s + share * passage.length_s), find(".ticks")).style.left = `${100 * share}%`;
    }
    timeline.setAttribute("aria-valuemax", passage.length_s.toFixed(1));

    const at = (event) => {
      const box = find(".head-track").getBoundingClientRect();
      return ((event.clientX - box.left) / box.width) * passage.length_s;
    };
    timeline.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      active = view;
      timeline.setPointerCapture(event.pointerId);
      player.seek(at(event));
    });
    timeline.addEventListener("pointermove", (event) => {
      if (timeline.hasPointerCapture(event.pointerId)) player.seek(at(event));
    });
    play.addEventListener("click", () => { active = view; toggle(view); });
    root.addEventListener("focusin", () => { active = view; });
    find(".copy").addEventListener("click", () => copy(find(".command code"), find(".copy")));

    let moving = false;
    const move = () => {
      const now = player.position();
      find(".head").style.transform = `translateX(${(100 * now) / passage.length_s}%)`;
      const text = clock(now, true);
      if (find(".clock b")?.textContent !== text) {
        const current = document.createElement("b");
        current.textContent = text;
        find(".clock").replaceChildren(current, ` of ${clock(passage.length_s, true)}`);
        timeline.setAttribute("aria-valuenow", now.toFixed(1));
        timeline.setAttribute("aria-valuetext", `${now.toFixed(0)} of ${passage.length_s.toFixed(0)} seconds`);
      }
    };
    const run = () => {
      move();
      moving = player.playing;
      if (moving) calm.matches ? setTimeout(run, 250) : requestAnimationFrame(run);
    };
    const list = find(".ledger ol");
    find(".ledger h3").id = `marks-${index + 1}`;
    find(".ledger").setAttribute("aria-labelledby", find(".ledger h3").id);
    const showMarks = ({ name, marks, marks_in_all: count }) => {
      find(".marked .spans").replaceChildren();
      list.replaceChildren();
      list.hidden = !marks.length;
      find(".ledger").classList.toggle("clear", !marks.length);
      find(".ledger h3").textContent = marksInWords(name, marks.length, count);
      for (const mark of marks) {
        const span = make("i", "", find(".marked .spans"));
        span.style.left = `min(${100 * mark.at}%, 100% - 5px)`;
        span.style.width = `${100 * (mark.to - mark.at)}%`;
        const button = make("button", "", make("li", "", list));
        button.type = "button";
        make("b", clock(mark.start_s, true), button);
        button.append(" ");
        make("span", mark.what, button).className = "what";
        button.append(" ");
        make("span", `${mark.detail}, severity ${number(mark.severity)}`, button).className = "quiet";
        button.addEventListener("click", () => {
          active = view;
          player.seek(mark.at * passage.length_s - BEFORE_MARK_S);
        });
      }
    };
    const show = () => {
      const version = passage.versions[player.version];
      const [name, about] = WORDS[version.name];
      root.classList.toggle("playing", player.playing);
      play.setAttribute("aria-label", player.playing ? "Pause" : "Play");
      buttons.forEach((button, at) => button.setAttribute("aria-pressed", String(at === player.version)));
      const deep = version.curve_db.length ? `The bed goes to ${number(Math.min(...version.curve_db))} dB here.` : "";
      const same = player.version > 0 && version.clip === passage.versions[0].clip ? "Here it sounds the same as the original." : "";
      const level = passage.lufs === null ? "" : `Played at ${number(passage.lufs)} LUFS (${signed(version.gain_db)} dB).`;
      const strong = document.createElement("b");
      strong.textContent = `${name}. `;
      find(".about").replaceChildren(strong, [about, deep, same, level].filter(Boolean).join(" "));
      find(".command").style.visibility = version.command ? "visible" : "hidden";
      find(".command code").textContent = version.command;
      find(".after .label").textContent = player.version ? name : "After";
      draw();
      if (!moving) run();
    };
    let shown = -1;
    const draw = (force = false) => {
      if (!force && shown === player.version) return;
      const colours = palette();
      if (force || shown < 0) drawSpectrum(find(".before canvas"), pictures[0].spectrum, colours);
      if (shown !== player.version) showMarks(passage.versions[player.version]);
      shown = player.version;
      drawSpectrum(find(".after canvas"), pictures[shown].spectrum, colours);
      const waves = [{ peaks: pictures[0].wave, fill: css("--faint") }];
      if (shown) waves.push({ peaks: pictures[shown].wave, fill: css("--accent") });
      drawWave(find(".wave canvas"), waves);
      drawGain(find(".gain canvas"), passage.versions[shown].curve_db, deepest);
    };
    const view = { root, player, show, redraw: () => draw(true), passage };
    player.onchange = show;
    document.getElementById("passages").append(root);
    return view;
  }

  function toggle(view) {
    if (view.player.playing) { view.player.pause(); return; }
    for (const other of views) if (other !== view && other.player.playing) other.player.pause();
    view.player.play();
  }
  function announce() {
    const { name, marks_in_all: count } = active.passage.versions[active.player.version];
    const marked = count ? `, ${count} ${count === 1 ? "artefact" : "artefacts"}` : "";
    live.textContent = WORDS[name][0] + marked;
  }
  async function copy(code, button) {
    let done = false;
    try {
      await navigator.clipboard.writeText(code.textContent);
      done = true;
    } catch {
      const range = document.createRange();
      range.selectNodeContents(code);
      getSelection().removeAllRanges();
      getSelection().addRange(range);
      done = document.execCommand("copy");
    }
    button.textContent = done ? "Copied" : "Selected";
    live.textContent = done ? "Command copied" : "Command selected";
    setTimeout(() => { button.textContent = "Copy"; }, 1600);
  }

  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const { player, passage } = active;
    const version = Number(event.key) - 1;
    const button = event.target.closest?.("button");
    if (event.key >= "1" && event.key <= "9" && version < passage.versions.length) {
      player.choose(version);
      announce();
    } else if (event.key === " ") {
      /* A button that still has something to do keeps its own space bar. */
      if (button && button.getAttribute("aria-pressed") !== "true") return;
      toggle(active);
    } else if (event.key === "ArrowLeft" || event.key === "ArrowRight") {
      player.seek(player.position() + (event.key === "ArrowLeft" ? -STEP_S : STEP_S));
    } else if (event.target.getAttribute?.("role") === "slider" && (event.key === "Home" || event.key === "End")) {
      player.seek(event.key === "Home" ? 0 : passage.length_s);
    } else {
      return;
    }
    event.preventDefault();
  });
  addEventListener("keyup", (event) => {
    const button = event.target.closest?.("button");
    if (event.key === " " && button?.getAttribute("aria-pressed") === "true") event.preventDefault();
  });

  document.getElementById("source").textContent = data.source;
  document.getElementById("facts").textContent = data.headline ??
    `The hardest ${data.passages.length === 1 ? "passage" : `${data.passages.length} passages`} of ${clock(data.duration_s)}, ` +
    `with preset ${data.preset}; ${data.engine}.`;
  document.getElementById("last-key").textContent = String(data.passages[0].versions.length);
  const notes = document.getElementById("notes");
  notes.hidden = data.notes.length === 0;
  data.notes.forEach((note) => make("li", note, notes));
  for (const { player, show } of views) {
    const preferred = player.passage.versions.findIndex((version) => version.name === "duck");
    player.version = Math.max(preferred, Math.min(1, player.passage.versions.length - 1));
    show();
  }
  const redraw = () => views.forEach((view) => view.redraw());
  new ResizeObserver(redraw).observe(document.getElementById("passages"));
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
  const listen = (view, seconds) => {
    for (const other of views) if (other !== view && other.player.playing) other.player.pause();
    active = view;
    view.player.seek(seconds);
    view.player.play();
  };
  const tools = { data, bytes, number, clock, make, css, palette, drawSpectrum, drawWave, drawGain, listen };
  window.mediacleanPreview = { views, audio, tools };
})();
