// What stands below the pictures, for those who see them and for those who do not.

const $ = id => document.getElementById(id);

const PULL = String.raw`-\partial L_G / \partial G(z)`;

// A text with $formulas$, set by KaTeX; done only when the text is another one
function say(id, text) {
  const element = $(id);
  if (element.dataset.text === text) return;
  element.dataset.text = text;
  element.replaceChildren(...text.split("$").map((part, i) => {
    const span = document.createElement("span");
    i % 2 ? katex.render(part, span, { throwOnError: false }) : span.append(part);
    return span;
  }));
}

export function captions(now) {
  if (now.kind === "plane") {
    const seen = `seen through a normal kernel of deviation ${now.kernel.toPrecision(2)}`;
    say("left-caption", String.raw`$D(x)$: what $D$ takes for data (blue), and for samples (orange)`);
    say("right-caption", String.raw`$D^*(x) = p_\text{data} / (p_\text{data} + p_g)$, the best $D$ against this $G$; ${
      now.known ? String.raw`$p_\text{data}$ is known, $p_g$ estimated` : "both are estimated"}, ${seen}`);
  } else if (now.kind === "line") {
    say("left-caption", String.raw`Figure 1 of the paper: $D$ beside $D^*$, $p_g$ beside $p_\text{data}$, and where $G$ carries $z$`);
  } else if (now.kind === "images") {
    say("left-caption", String.raw`$G(z)$ for 36 $z$; the bar below each is $D(G(z))$, from 0 to 1`);
    say("right-caption", String.raw`$${PULL}$: how $D$ wants each sample to change, brighter (blue) or darker (orange); the largest is ${now.largest.toPrecision(2)}`);
  }
  const at = `iteration ${now.iteration}`;
  const [left, right] = {
    plane: [`D as a heat map with data and samples, ${at}`, `D* as a heat map with data and samples, ${at}`],
    line: [`D, D*, p_data and p_g over the line, ${at}`, ""],
    images: [`a grid of samples, ${at}`, `the gradient of G's loss by each sample, ${at}`],
  }[now.kind] ?? ["", ""];
  $("left-canvas").setAttribute("aria-label", left);
  $("right-canvas").setAttribute("aria-label", right);
}

export function key(now, show) {
  const plane = [show.data && "+ data", show.samples && "● samples G(z)", show.arrows && `→ $${PULL}$`,
                 show.mesh && "— mesh of z"].filter(Boolean).join("    ");
  const line = "┄ p_data    — p_g    ╌ D (dashed)    — D* (thin)";
  say("key", { plane, line }[now.kind] ?? "");
}

export function whereItIs(now) {
  if (now.mode === "finished") return `run ${now.run} (preset ${now.preset}, data ${now.data}), iteration ${now.iteration}`;
  const rate = now.rate ? `, ${now.rate.toPrecision(3)} iterations a second` : "";
  const half = now.half ? ", D has made its steps and G has not" : "";
  const bug = now.bug ? `, with the bug ${now.bug}` : "";
  return `iteration ${now.iteration}${half}${rate}; ${now.data} on ${now.backend}, learning rate ${now.lr_now.toPrecision(3)}${bug}`;
}
