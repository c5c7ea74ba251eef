/* The page: a view for each passage, and the keys. */

const STEP_S = 2;
const BEFORE_MARK_S = 0.5;
const calm = matchMedia("(prefers-reduced-motion: reduce)");
const live = document.getElementById("live");

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
