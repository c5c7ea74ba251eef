/* Data and words. */

const data = JSON.parse(document.getElementById("data").textContent);
const WORDS = {
  original: ["Original", "The recording as it is."],
  leave: ["Leave", "The bed stays at its level; only holes in the sound are filled."],
  duck: ["Duck", "The bed goes down under the speech and comes back between phrases."],
  reduce: ["Reduce", "The bed is lowered by the same amount throughout."],
  remove: ["Remove", "The bed is taken away as far as the floor allows."],
  auto: ["Auto", "For every phrase the lightest treatment that makes it clear."],
  result: ["Result", "The finished file, as it decodes."],
};
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
