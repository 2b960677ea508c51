// What is drawn on the two canvases: a plane, a line, or images.

let tones = {};  // the style sheet's colours, as #rrggbb

export function readTones() {
  const style = getComputedStyle(document.documentElement);
  for (const name of ["paper", "ink", "faint", "line", "box", "blue", "vermillion", "green", "orange", "sky",
                      "real", "fake", "middle", "data", "samples", "reference"])
    tones[name] = style.getPropertyValue(`--${name}`).trim();
  return tones;
}

// Red, green and blue of #rgb or #rrggbb
function parts(tone) {
  const digits = tone.length === 4 ? [...tone.slice(1)].map(d => d + d) : tone.slice(1).match(/../g);
  return digits.map(d => parseInt(d, 16));
}

// 256 colours from `fake` (0) over `middle` (127) to `real` (254); 255 is where there is nothing to say
function scale() {
  const [fake, middle, real] = [tones.fake, tones.middle, tones.real].map(parts), table = [];
  for (let i = 0; i < 255; i++) {
    const [end, share] = i < 127 ? [fake, 1 - i / 127] : [real, (i - 127) / 127];
    table.push(middle.map((m, c) => Math.round(m + .85 * share * (end[c] - m))));
  }
  return [...table, parts(tones.box)];
}

// The canvas in device pixels, its context in CSS pixels: [context, width, height]
function begin(canvas) {
  const ratio = Math.min(window.devicePixelRatio || 1, 2), box = canvas.getBoundingClientRect();
  const [width, height] = [Math.max(1, Math.round(box.width * ratio)), Math.max(1, Math.round(box.height * ratio))];
  if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
  const context = canvas.getContext("2d");
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, box.width, box.height);
  return [context, box.width, box.height];
}

// A small picture, row 0 at the top, of `colour(i)` -> [r, g, b]
function tile(columns, rows, colour) {
  const made = new OffscreenCanvas(columns, rows), context = made.getContext("2d");
  const image = context.createImageData(columns, rows), { data } = image;
  for (let i = 0; i < columns * rows; i++) {
    [data[4 * i], data[4 * i + 1], data[4 * i + 2]] = colour(i);
    data[4 * i + 3] = 255;
  }
  context.putImageData(image, 0, 0);
  return made;
}

// ---- The plane --------------------------------------------------------------------------------------------------

function heat(context, width, height, bytes, cells) {
  const table = scale();
  const made = tile(cells, cells, i => table[bytes[(cells - 1 - Math.floor(i / cells)) * cells + i % cells]]);
  context.imageSmoothingEnabled = true;
  context.drawImage(made, 0, 0, width, height);
}

function to(now, width, height) {
  const [x0, y0] = now.low;
  return (x, y) => [(x - x0) / now.side * width, height - (y - y0) / now.side * height];
}

function crosses(context, place, points, tone, size = 3) {
  context.strokeStyle = tone;
  context.lineWidth = 1;
  context.beginPath();
  for (let i = 0; i < points.length; i += 2) {
    const [x, y] = place(points[i], points[i + 1]);
    context.moveTo(x - size, y); context.lineTo(x + size, y);
    context.moveTo(x, y - size); context.lineTo(x, y + size);
  }
  context.stroke();
}

function dots(context, place, points, tone, edge, size = 2.4) {
  context.fillStyle = tone;
  context.strokeStyle = edge;
  context.lineWidth = .7;
  context.beginPath();
  for (let i = 0; i < points.length; i += 2) {
    const [x, y] = place(points[i], points[i + 1]);
    context.moveTo(x + size, y);
    context.arc(x, y, size, 0, 2 * Math.PI);
  }
  context.fill();
  context.stroke();
}

// The longest arrow of a picture has a sixteenth of the width, and the others their share of it.
function arrows(context, place, now, width, tone) {
  const { samples, pull } = now;
  let longest = 0;
  for (let i = 0; i < pull.length; i += 2) longest = Math.max(longest, Math.hypot(pull[i], pull[i + 1]));
  if (!(longest > 0)) return;
  context.strokeStyle = tone;
  context.lineWidth = .9;
  context.beginPath();
  for (let i = 0; i < pull.length; i += 2) {
    const [x, y] = place(samples[i], samples[i + 1]), [dx, dy] = [pull[i], -pull[i + 1]].map(p => p / longest * width / 16);
    const length = Math.hypot(dx, dy);
    if (length < 1.5) continue;
    const [ex, ey] = [x + dx, y + dy], [ux, uy] = [dx / length * 4, dy / length * 4];
    context.moveTo(x, y); context.lineTo(ex, ey);
    context.moveTo(ex - ux - uy * .6, ey - uy + ux * .6); context.lineTo(ex, ey);
    context.lineTo(ex - ux + uy * .6, ey - uy - ux * .6);
  }
  context.stroke();
}

function mesh(context, place, now, tone) {
  const points = now.mesh, side = now.mesh_side, n = points.length / 2;
  context.strokeStyle = tone;
  context.lineWidth = .8;
  context.beginPath();
  const line = (from, step, count) => {
    for (let j = 0; j < count; j++) {
      const i = from + j * step, [x, y] = place(points[2 * i], points[2 * i + 1]);
      j ? context.lineTo(x, y) : context.moveTo(x, y);
    }
  };
  if (side === n) line(0, 1, n);
  else for (let i = 0; i < side; i++) { line(i * side, 1, side); line(i, side, side); }
  context.stroke();
}

export function drawPlane(left, right, now, show) {
  const [context, width, height] = begin(left), place = to(now, width, height);
  heat(context, width, height, now.d, now.cells);
  if (show.mesh) mesh(context, place, now, tones.ink);
  if (show.data) crosses(context, place, now.real, tones.data);
  if (show.arrows) arrows(context, place, now, width, tones.ink);
  if (show.samples) dots(context, place, now.samples, tones.samples, tones.paper);
  const [other, w, h] = begin(right), there = to(now, w, h);
  heat(other, w, h, now.d_star, now.cells);
  if (show.data) crosses(other, there, now.real, tones.data, 2);
  if (show.samples) dots(other, there, now.samples, tones.samples, tones.paper, 1.8);
}

// A drawing in the making, on the plane at hand
export function drawPoints(canvas, now, points, pen) {
  const [context, width, height] = begin(canvas), place = to(now, width, height);
  dots(context, place, points.flat(), tones.data, tones.paper, 3);
  if (pen) crosses(context, place, pen, tones.vermillion, 8);
}

export function pointAt(canvas, now, event) {
  const box = canvas.getBoundingClientRect();
  return [now.low[0] + (event.clientX - box.left) / box.width * now.side,
          now.low[1] + (1 - (event.clientY - box.top) / box.height) * now.side];
}

// ---- The line: figure 1 of the paper ------------------------------------------------------------------------------

export function drawLine(left, now) {
  const [context, width, height] = begin(left), n = now.d.length, foot = height * .74, top = 12;
  const along = i => (i + .5) / n * width, most = Math.max(1, ...now.p_data.map(p => 1.6 * p));
  const lines = [
    [now.p_data, most, tones.data, [2, 3], 2], [now.p_g, most, tones.samples, [], 2],
    [now.d_star, 1, tones.sky, [], 1.2], [now.d, 1, tones.blue, [7, 4], 2],
  ];
  context.strokeStyle = tones.reference;
  context.lineWidth = .7;
  context.setLineDash([]);
  context.beginPath();
  for (const level of [0, .5, 1]) { const y = foot - level * (foot - top); context.moveTo(0, y); context.lineTo(width, y); }
  context.stroke();
  for (const [values, largest, tone, dash, thick] of lines) {
    Object.assign(context, { strokeStyle: tone, lineWidth: thick });
    context.setLineDash(dash);
    context.beginPath();
    let there = false;
    for (let i = 0; i < n; i++) {
      if (!Number.isFinite(values[i])) { there = false; continue; }
      const y = Math.max(2, foot - values[i] / largest * (foot - top));
      there ? context.lineTo(along(i), y) : context.moveTo(along(i), y);
      there = true;
    }
    context.stroke();
  }
  context.setLineDash([]);
  Object.assign(context, { strokeStyle: tones.faint, fillStyle: tones.ink, lineWidth: .9, font: "13px system-ui" });
  const [x, z] = [height * .83, height * .97], end = Math.max(...now.z, 1e-9);
  const at = value => (value - now.low[0]) / now.side * width;
  context.beginPath();
  for (const y of [x, z]) { context.moveTo(0, y); context.lineTo(width, y); }
  now.z.forEach((from, i) => { context.moveTo(width / 2 + from / end * width * .3, z); context.lineTo(at(now.carried[i]), x); });
  context.stroke();
  context.fillText("x", 4, x - 4);
  context.fillText("z", 4, z - 4);
}

// ---- Images -------------------------------------------------------------------------------------------------------

function grid(canvas, now, colour) {
  const [context, width, height] = begin(canvas), [rows, columns] = now.shape, n = now.belief.length;
  const side = Math.ceil(Math.sqrt(n)), cell = Math.min(width, height) / side, gap = 2, bar = 4;
  context.imageSmoothingEnabled = false;
  for (let i = 0; i < n; i++) {
    const [x, y] = [(i % side) * cell, Math.floor(i / side) * cell];
    context.drawImage(tile(columns, rows, j => colour(i, j)), x + gap, y + gap, cell - 2 * gap, cell - 2 * gap - bar);
    context.fillStyle = tones.line;
    context.fillRect(x + gap, y + cell - bar - 1, cell - 2 * gap, bar - 1);
    context.fillStyle = tones.blue;
    context.fillRect(x + gap, y + cell - bar - 1, Math.max(0, Math.min(1, now.belief[i])) * (cell - 2 * gap), bar - 1);
  }
}

export function drawImages(left, right, now) {
  const [rows, columns, channels = 1] = now.shape, size = rows * columns, table = scale();
  const value = (array, i, j) => [0, 1, 2].map(c => array[(i * size + j) * channels + Math.min(c, channels - 1)]);
  grid(left, now, (i, j) => value(now.images, i, j));
  grid(right, now, (i, j) => {
    const pull = value(now.pull, i, j);
    return table[Math.round(127 + (pull[0] + pull[1] + pull[2]) / 3)];
  });
}
