// The page: it asks for the newest picture, draws it, and asks again; buttons ask for what is to be done.

import { choices, command, picture } from "./ask.js";
import { drawCurves, makeAnew } from "./curves.js";
import { drawImages, drawLine, drawPlane, readTones } from "./plane.js";
import { Drawing } from "./drawing.js";
import { captions, key, whereItIs } from "./words.js";

const $ = id => document.getElementById(id);
const STILL = matchMedia("(prefers-reduced-motion: reduce)");
const BETWEEN_CURVES = 350;  // milliseconds
let now = null, told = "", curvesDrawn = 0;
const drawing = new Drawing(() => now, draw, ask);

// What the run has to say stays until it has something else to say, or a button has.
function tell(text) {
  if (text !== told) $("said").textContent = told = text;
}

async function ask(name, given) {
  const { error = "" } = await command(name, given);
  $("said").textContent = error || told;
  if (error && now) fill(now);  // what was refused stays as it is
  return error === "";
}

// ---- The step opened ------------------------------------------------------------------------------------------------

async function answer(name, given) {
  const { answer, error } = await command(name, given);
  if (error) throw new Error(error);
  return answer;
}

async function openStep() {
  if (!await ask("open")) return;
  $("opened").hidden = $("shut-step").hidden = false;
  const panel = document.createElement("div");
  $("opened").replaceChildren(panel);
  panel.scrollIntoView({ behavior: STILL.matches ? "auto" : "smooth" });
  showStep(panel, {
    graph: () => answer("graph"),
    tensor: name => answer("tensor", { name }),
    entry: (name, index) => answer("entry", { name, index }),
  });
}

// ---- Pictures -----------------------------------------------------------------------------------------------------

function draw() {
  if (!now || drawing.draw()) return;
  readTones();
  const show = Object.fromEntries(["data", "samples", "arrows", "mesh"].map(name => [name, $(`show-${name}`).checked]));
  const seen = ["plane", "line", "images"].includes(now.kind);
  $("pictures").hidden = !seen;
  $("pictures").classList.toggle("wide", now.kind === "line");
  $("right").hidden = now.kind === "line";
  $("shown").hidden = now.kind !== "plane";
  if (now.kind === "plane") drawPlane($("left-canvas"), $("right-canvas"), now, show);
  if (now.kind === "line") drawLine($("left-canvas"), now);
  if (now.kind === "images") drawImages($("left-canvas"), $("right-canvas"), now);
  captions(now);
  key(now, show);
}

function table(numbers) {
  const names = { value: "V(D, G)", d_loss: "D's loss", g_loss: "G's loss", d_real: "D(x)", d_fake: "D(G(z))" };
  $("numbers").replaceChildren(...Object.entries(names).map(([name, label]) => {
    const row = document.createElement("tr"), head = document.createElement("th"), cell = document.createElement("td");
    head.scope = "row";
    head.textContent = label;
    cell.textContent = numbers?.[name] == null ? "–" : numbers[name].toFixed(4);
    row.append(head, cell);
    return row;
  }));
}

// ---- Controls: they say what is, but for one that is being used -----------------------------------------------------

function set(id, value) {
  if (document.activeElement !== $(id)) $(id).value = value;
}

function fill(now) {
  document.body.className = now.mode === "finished" ? "finished-only" : "training-only";
  if (drawing.on) document.body.classList.add("drawing");
  $("where").textContent = whereItIs(now);
  if (now.mode === "finished") {
    $("checkpoint").max = now.checkpoints.length - 1;
    set("checkpoint", now.index);
    $("which").textContent = `iteration ${now.iteration}`;
    $("checkpoint").setAttribute("aria-valuetext", `iteration ${now.iteration}`);
    return;
  }
  $("play").textContent = now.playing ? "Pause" : "Play";
  $("play").classList.toggle("on", now.playing);
  const together = now.recipe.updates !== "alternating";
  for (const id of ["half-d", "half-g"]) {
    $(id).disabled = together;
    $(id).setAttribute("aria-description", together ? "the simultaneous order has no halves" : "");
  }
  for (const name of ["k", "lr", "loss", "updates"]) set(name, now.recipe[name]);
  set("seed", now.recipe.seed);
  if ([...$("preset").options].some(option => option.value === now.preset)) set("preset", now.preset);
  $("plant").textContent = now.bug ? `Take ${now.bug} out` : "Plant it now";
  $("plant").disabled = !now.bug && !$("bug").value;
  $("command").textContent = now.command ?? "";
  $("command").hidden = $("copy").hidden = !now.command;
  $("why").textContent = now.command ? "This command makes the same checkpoint, bit for bit:"
    : now.why_no_command ? `No command can: ${now.why_no_command}. The program below makes the same moves.`
    : "Nothing has been done yet.";
  $("program").textContent = now.program;
  const drawn = now.data.startsWith("drawn-");
  $("data-file").hidden = !drawn;
  if (drawn) $("data-file").href = now.data;
}

function offer(select, names, empty) {
  $(select).replaceChildren(...[...(empty ? [""] : []), ...names].map(name => new Option(name || empty, name)));
}

async function begin() {
  const offered = await choices(), bugs = {};
  offer("preset", offered.presets);
  offer("loss", offered.losses);
  offer("updates", offered.updates);
  offer("bug", [], "none chosen");
  for (const [kind, some] of Object.entries(offered.bugs)) {
    const group = document.createElement("optgroup");
    group.label = kind;
    group.append(...Object.keys(some).map(name => new Option(name, name)));
    $("bug").append(group);
    Object.assign(bugs, some);
  }
  const about = () => {
    const bug = bugs[$("bug").value];
    const shows = bug?.options ? ` It shows with ${bug.options}.` : "";
    $("about-bug").textContent = bug ? `${bug.what}${shows} On digits: ${bug.seen}` : "";
    $("plant-anew").disabled = !bug;
    $("plant").disabled = !bug && !now?.bug;
  };
  $("bug").addEventListener("change", about);
  about();
  $("play").addEventListener("click", () => ask(now?.playing ? "pause" : "play"));
  $("step").addEventListener("click", () => ask("step"));
  for (const player of ["d", "g"]) $(`half-${player}`).addEventListener("click", () => ask("half", { player }));
  $("pace").addEventListener("change", event =>
    ask("pace", { iterations_a_second: event.target.value ? +event.target.value : null }));
  for (const name of ["k", "lr", "loss", "updates"]) $(name).addEventListener("change", event => {
    const { type, value, valueAsNumber } = event.target;
    if (value === "") fill(now);
    else ask("change", { [name]: type === "number" ? valueAsNumber : value });
  });
  $("open-step").addEventListener("click", openStep);
  $("shut-step").addEventListener("click", () => {
    $("opened").hidden = $("shut-step").hidden = true;
    $("opened").replaceChildren();
    $("open-step").focus();
  });
  $("restart").addEventListener("click", () => {
    const preset = $("preset").value === now?.preset ? null : $("preset").value;
    ask("restart", { preset, seed: +$("seed").value });
  });
  $("plant").addEventListener("click", () => ask("plant", { bug: now?.bug ? null : $("bug").value }));
  $("plant-anew").addEventListener("click", () => ask("restart", { bug: $("bug").value }));
  $("checkpoint").addEventListener("input", event => ask("show", { index: +event.target.value }));
  for (const box of document.querySelectorAll("#shown input")) box.addEventListener("change", draw);
  $("copy").addEventListener("click", () => navigator.clipboard.writeText($("command").textContent));
  const anew = () => { makeAnew(); if (now) { draw(); drawCurves(now); } };
  let width = innerWidth;
  addEventListener("resize", () => { if (width !== innerWidth) { width = innerWidth; anew(); } });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", anew);
}

// ---- The newest picture, again and again ----------------------------------------------------------------------------

const frame = () => new Promise(done => document.hidden ? setTimeout(done, 1000) : requestAnimationFrame(done));

async function watch() {
  for (;;) {
    try {
      const newest = await picture(now?.number ?? -1);
      await frame();
      if (newest.kind !== "none" && newest.number !== now?.number) {
        now = newest;
        fill(now);
        draw();
        table(now.numbers);
        if (!now.playing || performance.now() - curvesDrawn > BETWEEN_CURVES) {
          drawCurves(now);
          curvesDrawn = performance.now();
        }
        tell(now.said || now.failed || "");
        document.documentElement.dataset.number = now.number;  // the last picture that has been drawn
      }
      if (STILL.matches) await new Promise(done => setTimeout(done, 1000));
    } catch {
      $("where").textContent = "the server does not answer; the page asks again each second";
      await new Promise(done => setTimeout(done, 1000));
      now = now && { ...now, number: -1 };
    }
  }
}

await begin();
watch();
