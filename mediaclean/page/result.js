"use strict";
(() => {
  const { views, tools } = window.mediacleanPreview;
  const { data, bytes, number, clock, make, css, palette, drawSpectrum, drawWave, drawGain, listen } = tools;
  const byId = (id) => document.getElementById(id);

  /* A time that lies in an excerpt is a button that plays from there. */
  const time = (seconds, row) => {
    const view = views.find(({ passage }) =>
      seconds >= passage.start_s - 0.01 && seconds < passage.start_s + passage.length_s - 0.05);
    const cell = make("td", "", row);
    cell.className = "figure";
    if (!view) { cell.textContent = clock(seconds, true); return; }
    const button = make("button", clock(seconds, true), cell);
    button.type = "button";
    button.setAttribute("aria-label", `Listen from ${clock(seconds, true)}`);
    button.addEventListener("click", () => listen(view, Math.max(0, seconds - view.passage.start_s)));
  };
  const row = (id) => make("tr", "", byId(id).tBodies[0]);
  const figure = (text, to) => { make("td", text, to).className = "figure"; };

  for (const [name, before, after] of data.level) {
    const line = row("level");
    make("th", name, line).scope = "row";
    figure(before, line);
    figure(after, line);
  }
  byId("level-about").textContent = data.level_about;

  if (data.verdict) {
    byId("verdict-part").hidden = false;
    byId("verdict-title").textContent = `${data.verdict.spec}: ${data.verdict.ok ? "pass" : "fail"}`;
    for (const rule of data.verdict.rules) {
      const line = row("verdict");
      make("th", rule.name, line).scope = "row";
      figure(rule.measured, line);
      figure(rule.limit, line);
      make("td", rule.status, line).className = rule.status === "fail" ? "fail" : "pass";
    }
  }

  if (data.marks_about) {
    byId("marks-part").hidden = false;
    byId("marks-about").textContent = data.marks_about;
    byId("marks-scroll").hidden = !data.marks.length;
    for (const mark of data.marks) {
      const line = row("marks");
      time(mark.start_s, line);
      figure(clock(mark.stop_s, true), line);
      make("td", mark.what, line);
      figure(number(mark.severity), line);
      make("td", mark.detail, line);
    }
  }

  byId("changes-about").textContent = data.changes_about;
  byId("changes").hidden = data.changes.length === 0;
  for (const change of data.changes) {
    const line = row("changes");
    time(change.start_s, line);
    figure(clock(change.stop_s, true), line);
    make("td", change.what, line);
    figure(change.amount_db === null ? "\u2013" : number(change.amount_db), line);
    make("td", change.detail, line);
  }

  const whole = data.overview;
  if (!whole) return;
  byId("whole").hidden = false;
  byId("included").textContent = data.included;
  const overview = byId("overview");
  overview.setAttribute("aria-label", whole.about);
  const find = (selector) => overview.querySelector(selector);
  find(".marked").hidden = whole.marks === null;
  for (const [name, spans] of [["speech", whole.speech], ["changed", whole.changed], ["marked", whole.marks ?? []]]) {
    for (const [from, to] of spans) {
      const span = make("i", "", find(`.${name} .spans`));
      span.style.left = name === "marked" ? `min(${100 * from}%, 100% - 5px)` : `${100 * from}%`;
      span.style.width = `${Math.max(0.1, 100 * (to - from))}%`;
    }
  }
  for (let tick = 0; tick < 5; tick++) {
    make("span", clock((tick / 4) * data.duration_s), find(".ticks")).style.left = `${25 * tick}%`;
  }
  const deepest = Math.min(-6, ...whole.curve_db);
  make("span", `${number(deepest, 0)} dB`, find(".gain")).className = "scale";
  const waves = [whole.before, whole.after].map(({ wave }) => new Int8Array(bytes(wave).buffer));
  const spectra = [whole.before, whole.after].map(({ spectrum }) => bytes(spectrum));
  const draw = () => {
    const colours = palette();
    drawSpectrum(find(".before canvas"), spectra[0], colours);
    drawSpectrum(find(".after canvas"), spectra[1], colours);
    drawWave(find(".wave canvas"), waves.map((peaks, at) => ({ peaks, fill: css(at ? "--accent" : "--faint") })));
    drawGain(find(".gain canvas"), whole.curve_db, deepest);
  };
  new ResizeObserver(draw).observe(overview);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
})();
