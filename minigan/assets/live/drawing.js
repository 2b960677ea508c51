// Data drawn by hand on the left canvas, with the mouse or with the keys.

import { drawPoints, pointAt } from "./plane.js";

const $ = id => document.getElementById(id);
const MOST = 4000;

export class Drawing {
  on = false;
  points = [];
  pen = null;
  #down = false;

  // now(): the picture at hand; redraw(); ask(command, given): whether it was done
  constructor(now, redraw, ask) {
    this.now = now;
    this.redraw = redraw;
    const canvas = $("left-canvas");
    canvas.addEventListener("pointerdown", event => {
      if (!this.on) return;
      this.#down = true;
      canvas.setPointerCapture(event.pointerId);
      this.#add(pointAt(canvas, this.#plane(), event));
    });
    canvas.addEventListener("pointermove", event => { if (this.on && this.#down) this.#add(pointAt(canvas, this.#plane(), event)); });
    for (const end of ["pointerup", "pointercancel"]) canvas.addEventListener(end, () => { this.#down = false; });
    canvas.addEventListener("keydown", event => this.#key(event));
    $("draw").addEventListener("click", () => this.#turn(!this.on));
    $("clear").addEventListener("click", () => { this.points = []; this.redraw(); });
    $("use").addEventListener("click", async () => { if (await ask("draw", { points: this.points })) this.#turn(false); });
  }

  // Draws, where the page is drawing; whether it did
  draw() {
    if (this.on) {
      $("right").hidden = true;
      $("pictures").hidden = false;
      $("pictures").classList.remove("wide");
      drawPoints($("left-canvas"), this.#plane(), this.points, this.pen);
      $("use").disabled = this.points.length < 2;
      $("left-caption").textContent = `${this.points.length} points`;
    }
    return this.on;
  }

  // The window that one draws in: that of the picture at hand, where it is of a plane
  #plane() {
    const now = this.now();
    return now?.kind === "plane" ? now : { low: [-1.5, -1.5], side: 3 };
  }

  #turn(on) {
    Object.assign(this, { on, points: [], pen: null });
    $("draw").setAttribute("aria-pressed", on);
    $("draw").textContent = on ? "Leave off" : "Draw";
    document.body.classList.toggle("drawing", on);
    for (const id of ["clear", "use", "how-to-draw"]) $(id).hidden = !on;
    const canvas = $("left-canvas");
    if (on) { canvas.tabIndex = 0; canvas.focus(); } else canvas.removeAttribute("tabindex");
    this.redraw();
  }

  #add(point) {
    if (this.points.length < MOST) this.points.push(point);
    this.redraw();
  }

  #key(event) {
    const moves = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
    if (!this.on || !(event.key in moves || event.key === " ")) return;
    event.preventDefault();
    const { low, side } = this.#plane();
    this.pen ??= low.map(edge => edge + side / 2);
    if (event.key === " ") return this.#add([...this.pen]);
    this.pen = this.pen.map((at, i) => Math.min(low[i] + side, Math.max(low[i], at + moves[event.key][i] * side / 40)));
    this.redraw();
  }
}
