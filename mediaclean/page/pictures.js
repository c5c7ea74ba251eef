/* Pictures: spectrogram, waveform and the bed's gain, in the colours of the style sheet. */

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
