// The step opened: showStep(element, source) draws an iteration of Algorithm 1 into an element.
//
// source has async graph(), tensor(name), entry(name, index), and may have chosen(name), the entries at hand:
// what minigan.explaining.step.Step returns.
"use strict";

function showStep(element, source) {
  const LANES = {data: "labels", up: "forward", d: "back from D's loss", g: "back from G's loss", update: "update"};
  const tensors = new Map();
  let graph, byId, current;

  const make = (tag, attributes = {}, ...children) => {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes))
      if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
      else if (name === "style") made.style.cssText = value;  // a page's policy may refuse the attribute
      else if (value !== undefined && value !== false) made.setAttribute(name, value);
    made.append(...children.filter(child => child !== undefined && child !== null));
    return made;
  };
  const tex = (text, display = false) => {
    const made = make(display ? "div" : "span", {class: display ? "formula" : undefined});
    if (window.katex) katex.render(text, made, {throwOnError: false, displayMode: display});
    else made.textContent = text;
    return made;
  };
  const number = value => value === null || value === undefined ? "not finite"
    : value === 0 ? "0" : Math.abs(value) >= 1e-3 && Math.abs(value) < 1e5 ? Number(value.toPrecision(6)).toString()
    : value.toExponential(4);
  const told = value => make("span", {title: String(value)}, number(value));
  const exactly = value => make("span", {}, value === null ? "not finite" : value === 0 ? "0" : value.toExponential(11));
  const shape = dimensions => dimensions.join(" \u00d7 ");
  const tensor = async name => tensors.get(name) || tensors.set(name, await source.tensor(name)).get(name);

  // ---- The graph ---------------------------------------------------------------------------------------------------

  async function drawGraph() {
    graph = await source.graph();
    byId = new Map(graph.nodes.map(node => [node.id, node]));
    const of = graph.run ? " of " + graph.run : "";
    const parts = [
      make("h1", {}, `Iteration ${graph.iteration}${of}, opened`),
      make("p", {class: "soft"}, `${graph.on}; ${graph.precision}; m = ${graph.m}; ${graph.updates} updates. ` +
        "Each box is one thing that was computed, in the order of Algorithm 1. The arrow keys go from box to box, " +
        "Home and End to the first and the last; Enter opens one below." +
        (graph.backend === "numpy" ? "" : ` Kernels are shown as NumPy has them: that defines what those of ${graph.backend} compute.`)),
    ];
    graph.moves.forEach((title, move) => parts.push(make("h2", {}, title), drawMove(title, move)));
    const panel = make("section", {class: "panel", "aria-label": "the box that is open"});
    element.classList.add("step");
    element.replaceChildren(...parts, panel);
    element.addEventListener("keydown", moveByKey);
    await open(graph.nodes[0].id, false);
    for (const node of graph.nodes) await thumbnail(node);
    element.dataset.drawn = "yes";
  }

  function drawMove(title, move) {
    const nodes = graph.nodes.filter(node => node.move === move);
    const lanes = Object.keys(LANES).filter(lane => nodes.some(node => node.lane === lane));
    const grid = make("div", {class: "grid", role: "group", "aria-label": title});
    for (const [role, letter] of [["generator", "G"], ["discriminator", "D"]]) {
      const own = nodes.filter(node => node.lane === "up" && node.id.includes(role)).map(node => node.column + 2);
      grid.append(make("div", {class: "net", style: `grid-row: 1; grid-column: ${Math.min(...own)} / ${Math.max(...own) + 1}`}, letter));
    }
    for (const [i, lane] of lanes.entries()) {
      const columns = nodes.filter(node => node.lane === lane).map(node => node.column);
      grid.append(make("div", {class: "lane", style: `grid-row: ${i + 2}`}, LANES[lane]));
      for (const node of nodes.filter(node => node.lane === lane)) {
        const ends = (node.column === Math.min(...columns) ? " first" : "") + (node.column === Math.max(...columns) ? " last" : "");
        grid.append(make("button", {
          class: `node ${lane}${ends}`, "data-id": node.id, tabindex: -1, "aria-label": node.label,
          style: `grid-row: ${i + 2}; grid-column: ${node.column + 2}`, onclick: () => open(node.id),
        }, make("span", {}, node.title)));
      }
    }
    return make("div", {class: "graph"}, grid);
  }

  const box = id => element.querySelector(`.node[data-id="${id}"]`);

  async function thumbnail(node) {
    if (!node.tensors.length) return;
    const first = await tensor(node.tensors[0]);
    const parts = [make("span", {class: "shape"}, shape(first.shape))];
    if (first.picture) parts.unshift(first.picture.png ? make("img", {src: first.picture.png, alt: ""}) : drawPoints(first, 34));
    box(node.id).append(...parts);
  }

  function moveByKey(event) {
    const at = event.target.closest(".node");
    if (!at || event.ctrlKey || event.altKey || event.metaKey) return;
    const node = byId.get(at.dataset.id), same = graph.nodes.filter(other => other.move === node.move);
    const side = same.filter(other => other.lane === node.lane).sort((a, b) => a.column - b.column);
    const lanes = Object.keys(LANES).filter(lane => same.some(other => other.lane === lane));
    const nearest = lane => lane && same.filter(other => other.lane === lane)
      .sort((a, b) => Math.abs(a.column - node.column) - Math.abs(b.column - node.column))[0];
    const number = graph.nodes.indexOf(node), beside = side.indexOf(node), lane = lanes.indexOf(node.lane);
    const next = {
      ArrowRight: side[beside + 1], ArrowLeft: side[beside - 1],
      ArrowDown: nearest(lanes[lane + 1]) || graph.nodes.find(other => other.move === node.move + 1),
      ArrowUp: nearest(lanes[lane - 1]) || graph.nodes.findLast(other => other.move === node.move - 1),
      PageDown: graph.nodes[number + 1], PageUp: graph.nodes[number - 1],
      Home: graph.nodes[0], End: graph.nodes[graph.nodes.length - 1],
    }[event.key];
    if (!next) return;
    event.preventDefault();
    for (const one of element.querySelectorAll(".node")) one.tabIndex = -1;
    box(next.id).tabIndex = 0;
    box(next.id).focus();
  }

  // ---- One box -----------------------------------------------------------------------------------------------------

  async function open(id, focus = true) {
    const node = current = byId.get(id);
    for (const one of element.querySelectorAll(".node")) {
      const own = one.dataset.id === id;
      one.tabIndex = own ? 0 : -1;
      one.setAttribute("aria-current", own);
      one.classList.toggle("read", node.reads.includes(one.dataset.id));
      one.classList.toggle("reads", node.read_by.includes(one.dataset.id));
    }
    const links = ids => ids.length
      ? make("div", {class: "links"}, ...ids.map(other => make("button", {onclick: () => go(other)}, byId.get(other).label)))
      : make("span", {class: "soft"}, "nothing here");
    const order = graph.nodes.indexOf(node), near = by => graph.nodes[order + by];
    const step = (by, words) => make("button", {disabled: near(by) ? false : "", onclick: () => go(near(by).id)}, words);
    const left = make("div", {}, make("h2", {tabindex: -1, class: "opened"}, node.label),
      make("p", {class: "order"}, step(-1, "computed before"), step(1, "computed next")),
      make("p", {}, node.says), ...node.formulas.map(text => tex(text, true)),
      ...node.facts.map(([letter, value]) => make("p", {}, tex(letter + " ="), " ", told(value))),
      make("h3", {}, "Computed by"), make("p", {}, node.by),
      ...node.code.map((where, i) => make("details", {open: i === 0 ? "" : false}, make("summary", {}, where),
        make("pre", {tabindex: 0}, make("code", {}, graph.code[where])))),
      make("h3", {}, "Reads"), links(node.reads), make("h3", {}, "Is read by"), links(node.read_by));
    const right = make("div", {class: node.lane});
    for (const name of node.tensors) right.append(await drawTensor(name));
    if (current !== node) return;
    element.querySelector(".panel").replaceChildren(left, right);
    if (focus) box(id).scrollIntoView({block: "nearest", inline: "nearest"});
  }

  const go = id => open(id).then(() => box(id).focus());

  // ---- An array ----------------------------------------------------------------------------------------------------

  async function drawTensor(name) {
    const data = await tensor(name), numbers = data.statistics;
    const entry = make("div", {"aria-live": "polite"});
    const ask = async index => {
      try { entry.replaceChildren(drawEntry(data, await source.entry(name, index))); }
      catch (error) { entry.replaceChildren(make("p", {class: "soft"}, error.message)); }
    };
    const parts = [
      make("h3", {}, tex(data.letter), ` \u2014 ${data.says}`),
      make("p", {class: "soft"}, `${shape(data.shape)}, ${data.dtype}. From `, told(numbers.min), " to ", told(numbers.max),
        ", mean ", told(numbers.mean), ", deviation ", told(numbers.deviation), `; ${numbers.zeros} of ${numbers.size} are 0`,
        numbers.not_finite ? `; ${numbers.not_finite} are not finite` : "", "."),
      make("div", {class: "shown"}, drawPicture(data, ask), drawHistogram(data)),
    ];
    if (data.is_gradient) parts.push(...await drawEntries(data, entry, ask), askFor(data, ask), entry);
    return make("section", {class: "tensor", "aria-label": name, "data-name": name}, ...parts);
  }

  function drawPicture(data, ask) {
    const picture = data.picture;
    if (!picture) return null;
    if (picture.kind === "points") return make("figure", {}, drawPoints(data, 320),
      make("figcaption", {}, `${picture.points.length} of ${data.shape[0]} rows, points of the plane` +
        (picture.arrows ? "; each arrow points where the loss falls" : "")));
    const image = make("img", {class: "picture", src: picture.png, alt: `${data.letter} as a picture: ${data.says}`});
    image.addEventListener("load", () => {
      const zoom = Math.max(1, Math.min(20, Math.round((picture.kind === "heat" ? 260 : 330) / image.naturalWidth)));
      image.width = image.naturalWidth * zoom;
      if (picture.turned) image.height = Math.max(12, zoom) * image.naturalHeight;
    });
    if (data.is_gradient) image.addEventListener("click", ({offsetX, offsetY}) => {
      const x = Math.floor(offsetX * image.naturalWidth / image.clientWidth);
      const index = entryAt(data, x, Math.floor(offsetY * image.naturalHeight / image.clientHeight));
      if (index) ask(index);
    });
    const strongest = picture.white === picture.scale ? `; white is ${number(picture.scale)}`
      : `; white is ${number(picture.white)}, the strongest colour ${picture.white ? "" : "\u00b1 ".repeat(data.statistics.min < 0)}${number(picture.scale)}`;
    const words = picture.kind === "pictures"
      ? `${picture.items.length} of its ${picture.along}, a picture each${strongest}`
      : picture.wrap ? `line by line, ${picture.wrap} entries each${strongest}`
      : `${picture.rows.length} of ${data.shape[0]} rows and ${picture.columns.length} of ${data.shape[1]} columns${strongest}`;
    return make("figure", {}, image, make("figcaption", {}, words));
  }

  function entryAt(data, x, y) {
    const picture = data.picture;
    if (picture.wrap) {
      const at = y * picture.wrap + x, size = data.statistics.size;
      return at >= size ? null : data.shape.length === 1 ? [at] : data.shape[0] === 1 ? [0, at] : [at, 0];
    }
    if (picture.kind === "heat") return picture.turned ? [picture.rows[x], picture.columns[y]] : [picture.rows[y], picture.columns[x]];
    const [height, width, channels = 1] = picture.tile;
    const tile = Math.floor(y / (height + 1)) * picture.across + Math.floor(x / (width + 1));
    const inside = [y % (height + 1), x % (width + 1)];
    if (tile >= picture.items.length || inside[0] >= height || inside[1] >= width) return null;
    const pixel = (inside[0] * width + inside[1]) * channels;
    if (data.shape.length === 1) return [pixel];
    return picture.along === "rows" ? [picture.items[tile], pixel] : [pixel, picture.items[tile]];
  }

  function svg(tag, attributes, ...children) {
    const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
    for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
    made.append(...children);
    return made;
  }

  function drawPoints(data, size) {
    const {points, arrows} = data.picture, ends = [0, 1].map(k => points.map(point => point[k]));
    const [low, high] = [Math.min, Math.max].map(end => ends.map(values => end(...values)));
    const span = 1.1 * Math.max(high[0] - low[0], high[1] - low[1]) || 1;
    const at = point => point.map((value, k) => size * (.5 + (k ? -1 : 1) * (value - (low[k] + high[k]) / 2) / span));
    const longest = arrows && Math.max(...arrows.map(arrow => Math.hypot(...arrow))) || 1, drawn = [];
    points.forEach((point, i) => {
      const [x, y] = at(point);
      if (arrows) drawn.push(svg("line", {x1: x, y1: y, x2: x + .12 * size * arrows[i][0] / longest, y2: y - .12 * size * arrows[i][1] / longest}));
      drawn.push(svg("circle", {cx: x, cy: y, r: size > 100 ? 2 : .8}));
    });
    return svg("svg", {class: "points", width: size, height: size, role: "img", "aria-label": `${data.letter} as points`}, ...drawn);
  }

  function drawHistogram(data) {
    const {low, high, counts} = data.histogram, most = Math.log1p(Math.max(...counts));
    const words = `histogram from ${number(low)} to ${number(high)}, the height is the logarithm of the count`;
    const heights = counts.map(count => 39 * Math.log1p(count) / most);
    const bars = heights.map((height, i) => svg("rect", {x: i, y: 40 - height, width: .9, height}));
    const attributes = {viewBox: `0 0 ${counts.length} 40`, preserveAspectRatio: "none", class: "histogram"};
    const drawn = svg("svg", {...attributes, role: "img", "aria-label": words}, ...bars);
    return make("figure", {}, drawn, make("figcaption", {}, `${number(low)} to ${number(high)}; height: log of the count`));
  }

  // ---- Its entries -------------------------------------------------------------------------------------------------

  async function drawEntries(data, place, ask) {
    const chosen = source.chosen ? await source.chosen(data.name) : [];
    if (!chosen.length) return [];
    const rows = chosen.map(entry => {
      const row = make("tr", {}, make("td", {}, make("button", {class: "at", onclick: () => {
        for (const other of row.parentNode.children) other.classList.remove("open");
        row.classList.add("open");
        ask(entry.index);
      }}, `[${entry.index.join(", ")}]`)), make("td", {}, entry.why), make("td", {}, told(entry.value)),
        make("td", {}, told(entry.difference)), make("td", {}, verdict(entry, true)));
      return row;
    });
    const head = ["entry", "chosen as", "by backward", "by finite difference", ""].map(text => make("th", {scope: "col"}, text));
    return [make("div", {class: "scroll", tabindex: 0, role: "region", "aria-label": `entries of ${data.name}`},
      make("table", {}, make("thead", {}, make("tr", {}, ...head)), make("tbody", {}, ...rows)))];
  }

  function askFor(data, ask) {
    const fields = data.shape.map((size, i) => make("input", {
      type: "number", min: 0, max: size - 1, value: 0, "aria-label": `index ${i + 1} of ${data.name}, 0 to ${size - 1}`}));
    const asked = event => (event.preventDefault(), ask(fields.map(field => Number(field.value))));
    return make("form", {class: "ask", onsubmit: asked}, "entry ", ...fields, " ", make("button", {}, "open"));
  }

  function verdict(entry, short) {
    if (entry.agrees === null) return make("span", {class: "kink"}, short ? "kink" : `the step crosses a kink: ${entry.crossed}`);
    return make("span", {class: entry.agrees ? "holds" : "fails"}, entry.agrees ? "agree" : "do not agree");
  }

  function drawEntry(data, entry) {
    const at = make("h3", {}, tex(data.letter), `[${entry.index.join(", ")}]`);
    const row = (words, ...values) => make("tr", {}, make("td", {}, words), make("td", {}, ...values));
    const largest = entry.allowed / graph.tolerance;
    const parts = [at, make("table", {},
      row(`by backward, in ${data.dtype}, as the iteration had it`, exactly(entry.value)),
      row("by the same backward in float64", exactly(entry.exact)),
      row(`by finite difference in float64, h = ${entry.h.toExponential(0)}`, exactly(entry.difference))),
      make("p", {class: "agreement"}, verdict(entry), entry.agrees === null
        ? ". There is no derivative across it, so the difference says nothing."
        : `: backward in float64 and the difference differ by ${number(entry.error)}; gradcheck allows ${number(entry.allowed)}, ${graph.tolerance.toExponential(0)} of the ` +
          `largest entry (${number(largest)})` + (entry.rounding > entry.allowed ? `, and rounding alone moves it by ${number(entry.rounding)}` : "") +
          `. The iteration's own value is ${number(entry.rounded)} from backward in float64.`)];
    if (entry.sum) parts.push(...drawSum(entry));
    return make("div", {class: "entry"}, ...parts);
  }

  function drawSum(entry) {
    const sum = entry.sum, rest = sum.rest, cells = values => values.map(value => make("td", {}, told(value)));
    const head = make("tr", {}, make("th", {scope: "col"}, sum.over ? tex(sum.over) : "", " "),
      ...sum.names.map(name => make("th", {scope: "col"}, tex(name))), make("th", {scope: "col"}, "product"));
    const rows = sum.terms.map(term => make("tr", {}, make("td", {}, sum.over ? String(term.at) : ""),
      ...cells(term.factors), ...cells([term.product])));
    const wide = sum.names.length;
    if (rest.count) rows.push(make("tr", {}, make("td", {colspan: wide + 1}, `the other ${rest.count} terms, ${rest.zeros} of them 0`), ...cells([rest.sum])));
    rows.push(make("tr", {}, make("td", {colspan: wide + 1}, "together, in float64"), ...cells([sum.total])));
    return [tex(sum.formula, true), make("div", {class: "scroll", tabindex: 0, role: "region", "aria-label": "the sum, term by term"},
      make("table", {class: "sum"}, make("thead", {}, head), make("tbody", {}, ...rows)))];
  }

  return drawGraph();
}
