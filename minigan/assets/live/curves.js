// Two charts by uPlot: the players' losses, and D(x) with D(G(z)); each with the lines that it comes to rest at.

import { readTones } from "./plane.js";

const CHARTS = {
  losses: [["d_loss", "D's loss", "blue", []], ["g_loss", "G's loss", "vermillion", [6, 3]]],
  beliefs: [["d_real", "D(x)", "blue", []], ["d_fake", "D(G(z))", "vermillion", [6, 3]]],
};
const charts = {};
let references = { losses: [], beliefs: [] };

// Horizontal lines with their names, behind the curves
function lines(name, tones) {
  return chart => {
    const { ctx, bbox } = chart, ratio = window.devicePixelRatio || 1;
    ctx.save();
    Object.assign(ctx, { strokeStyle: tones.reference, fillStyle: tones.faint, lineWidth: ratio, font: `${11 * ratio}px system-ui`, textAlign: "right", textBaseline: "bottom" });
    ctx.setLineDash([2 * ratio, 4 * ratio]);
    for (const [height, label] of references[name] ?? []) {
      const y = chart.valToPos(height, "y", true);
      if (y < bbox.top || y > bbox.top + bbox.height) continue;
      ctx.beginPath();
      ctx.moveTo(bbox.left, y);
      ctx.lineTo(bbox.left + bbox.width, y);
      ctx.stroke();
      ctx.fillText(label, bbox.left + bbox.width - 2 * ratio, y - ratio);
    }
    ctx.restore();
  };
}

function make(name, tones) {
  const element = document.getElementById(name), number = (chart, value) => value == null ? "" : value.toFixed(3);
  const axis = { stroke: tones.ink, grid: { stroke: tones.line, width: .5 }, ticks: { stroke: tones.line } };
  element.replaceChildren();
  return new uPlot({
    width: element.clientWidth || 300, height: 190,
    scales: { x: { time: false }, y: { range: (chart, low, high) => range(name, low, high) } },
    axes: [{ ...axis, label: "iteration", labelSize: 18, size: 36 }, { ...axis, size: 44 }],
    series: [{ label: "iteration" }, ...CHARTS[name].map(([, label, tone, dash]) =>
      ({ label, stroke: tones[tone], width: 1.5, dash, value: number, points: { show: false } }))],
    hooks: { drawClear: [lines(name, tones)] },
    cursor: { drag: { x: false, y: false } },
  }, [[], [], []], element);
}

// D(x) lies in [0, 1]; losses need their reference lines in sight
function range(name, low, high) {
  if (name === "beliefs") return [Math.min(0, low ?? 0), Math.max(1, high ?? 1)];
  const heights = references.losses.map(([height]) => height);
  const [least, most] = [Math.min(0, low ?? 0, ...heights), Math.max(high ?? 1, ...heights)];
  return [least, most + .08 * (most - least)];
}

export function drawCurves(now) {
  references = now.references ?? references;
  const tones = readTones();
  for (const [name, series] of Object.entries(CHARTS)) {
    charts[name] ??= make(name, tones);
    charts[name].setData([now.curves.iteration, ...series.map(([key]) => Array.from(now.curves[key], v => Number.isFinite(v) ? v : null))]);
    const said = series.map(([key, label]) => `${label} ${now.numbers?.[key]?.toFixed(3) ?? "not known"}`).join(", ");
    document.getElementById(name).setAttribute("aria-label", `${said}, at iteration ${now.iteration}`);
  }
}

// Other colours, or another width
export function makeAnew() {
  for (const name of Object.keys(charts)) { charts[name].destroy(); delete charts[name]; }
}
