// Behaviour of the page: charts in its colours, the comparison of two models, the gallery and its viewer.
const data = JSON.parse(document.getElementById("page-data").textContent);
const byId = (id) => document.getElementById(id);
const dark = window.matchMedia("(prefers-color-scheme: dark)");
const PAGE = 48; // tiles that are shown at first

function element(name, attributes = {}, ...children) {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key in node && key !== "style") node[key] = value;
    else node.setAttribute(key, value);
  }
  node.append(...children);
  return node;
}

// ---- charts ----

function theme() {
  const style = getComputedStyle(document.documentElement);
  const colour = (name) => style.getPropertyValue(name).trim();
  const text = { labelColor: colour("--ink"), titleColor: colour("--soft"), labelFontSize: 12, titleFontSize: 12, titleFontWeight: "normal" };
  return {
    background: "transparent",
    font: "system-ui, sans-serif",
    view: { stroke: colour("--line") },
    axis: { ...text, gridColor: colour("--line"), domainColor: colour("--line"), tickColor: colour("--line") },
    legend: text,
  };
}

const shown = new Map(); // place -> the specification that it shows

async function show(id, spec) {
  const place = byId(`chart-${id}`);
  if (!place || !spec) return null;
  shown.set(id, spec);
  const fitted = structuredClone(spec);
  for (const part of [fitted, ...(fitted.layer ?? [])]) {
    const { color, shape, yOffset } = part.encoding ?? {};
    if (!color?.legend) continue;
    const widest = 26 + 7 * Math.max(...color.scale.domain.map((name) => name.length));
    const columns = Math.max(1, Math.floor((place.clientWidth - (yOffset ? 110 : 50)) / widest));
    for (const channel of [color, shape]) if (channel) channel.legend.columns = columns;
  }
  const options = { actions: false, renderer: "svg", config: theme(), tooltip: { theme: dark.matches ? "dark" : "light" } };
  return window.vegaEmbed(place, fitted, options);
}

function showTraining() {
  const [loss, accuracy] = data.charts.history[byId("training-model").value] ?? [];
  show("loss", loss);
  show("accuracy", accuracy);
}

const STANDING = ["roc", "precision_recall", "reliability", "difficulty", "part", "part_count", "robustness", "pointing", "energy"];
for (const id of STANDING) show(id, data.charts[id]);
byId("training-model").addEventListener("change", showTraining);
showTraining();
dark.addEventListener("change", () => {
  for (const [id, spec] of shown) show(id, spec);
});

// ---- pictures ----

function bytes(base64) {
  return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
}

function drawHeat(canvas, image, model, size) {
  canvas.width = canvas.height = size;
  const context = canvas.getContext("2d");
  context.clearRect(0, 0, size, size);
  const packed = image.heat[model];
  if (!packed) return false;
  const [height, width] = data.heat[model];
  const values = bytes(packed);
  const small = element("canvas", { width, height });
  const cells = small.getContext("2d").createImageData(width, height);
  values.forEach((value, k) => {
    const warm = value / 255;
    cells.data.set([255, 235 * (1 - warm), 30 * (1 - warm), 140 * warm], 4 * k);
  });
  small.getContext("2d").putImageData(cells, 0, 0);
  context.imageSmoothingEnabled = true;
  context.imageSmoothingQuality = "high";
  context.drawImage(small, 0, 0, size, size);
  return true;
}

function outline(canvas, image) {
  if (!image.mask) return;
  const packed = bytes(image.mask);
  const side = 64;
  const inside = (x, y) => x >= 0 && y >= 0 && x < side && y < side && (packed[(y * side + x) >> 3] >> (7 - (x & 7))) & 1;
  const context = canvas.getContext("2d");
  const cell = canvas.width / side;
  context.strokeStyle = "#00e5ff";
  context.lineWidth = Math.max(1.5, canvas.width / 250);
  context.beginPath();
  for (let y = 0; y <= side; y++) {
    for (let x = 0; x <= side; x++) {
      if (Boolean(inside(x, y)) !== Boolean(inside(x, y - 1))) { context.moveTo(x * cell, y * cell); context.lineTo((x + 1) * cell, y * cell); }
      if (Boolean(inside(x, y)) !== Boolean(inside(x - 1, y))) { context.moveTo(x * cell, y * cell); context.lineTo(x * cell, (y + 1) * cell); }
    }
  }
  context.stroke();
}

const called = (image, model) => (image.scores[model] >= data.thresholds[model] ? 1 : 0);
const short = (name) => name.split("/").at(-1);
const named = (label) => (label ? "fake" : "real");

function tile(image, model, open, heat) {
  const right = called(image, model) === image.label;
  const face = element("span", { className: "face" }, element("img", { src: image.uri, alt: "" }));
  if (heat) {
    const canvas = element("canvas");
    drawHeat(canvas, image, data.models[model], 128);
    face.append(canvas);
  }
  const verdict = element("span", { className: "verdict" }, image.scores[model].toFixed(3));
  const about = `${named(image.label)}${image.difficulty ? `, ${image.difficulty}` : ""}`;
  const button = element(
    "button",
    { type: "button", className: `tile ${right ? "right" : "wrong"}`, title: image.name },
    face,
    element("span", { className: "caption" }, verdict, ` ${about}`),
  );
  button.setAttribute("aria-label", `${short(image.name)}: ${about}, score ${image.scores[model].toFixed(3)}, ${right ? "right" : "wrong"}`);
  button.dataset.name = image.name;
  button.addEventListener("click", open);
  return button;
}

// ---- the comparison ----

const first = byId("first");
const second = byId("second");
second.selectedIndex = Math.min(1, data.models.length - 1);
first.selectedIndex = data.models.indexOf(data.best);
if (first.selectedIndex === second.selectedIndex) second.selectedIndex = 0;

function difference(metric, a, b) {
  const row = data.comparisons.find((pair) => (pair.first === a && pair.second === b) || (pair.first === b && pair.second === a));
  if (!row || row[`${metric}_difference`] === null) return "undefined";
  const swapped = row.first === b;
  const sign = swapped ? -1 : 1;
  const signed = (value, digits) => `${value >= 0 ? "+" : "−"}${Math.abs(value).toFixed(digits)}`;
  const bounds = [row[`${metric}_low`], row[`${metric}_high`]];
  if (swapped) bounds.reverse();
  const interval = bounds[0] === null ? "" : ` [${bounds.map((bound) => signed(sign * bound, 2)).join(", ")}]`;
  const p = row[`${metric}_p_holm`];
  return `${signed(sign * row[`${metric}_difference`], 3)}${interval}${p === null ? "" : `, p = ${p.toFixed(3)}`}`;
}

async function showCompared() {
  const [a, b] = [first.value, second.value];
  const [i, j] = [first.selectedIndex, second.selectedIndex];
  const verdict = byId("verdict");
  if (i === j) verdict.textContent = "Choose two different models.";
  else verdict.textContent = `${a} minus ${b}: ROC AUC ${difference("roc_auc", a, b)}; accuracy ${difference("accuracy", a, b)} (95 % intervals; p Holm-corrected for all pairs).`;
  const spec = structuredClone(data.charts.compared);
  const { image, label, scores } = data.all;
  spec.data.values = image.map((name, k) => ({ image: name, label: named(label[k]), x: scores[i][k], y: scores[j][k] }));
  spec.layer[1].encoding.x.title = a;
  spec.layer[1].encoding.y.title = b;
  for (const tip of spec.layer[1].encoding.tooltip) {
    if (tip.field === "x") tip.title = a;
    if (tip.field === "y") tip.title = b;
  }
  const chart = await show("compared", spec);
  chart?.view.addEventListener("click", (event, item) => {
    const index = data.images.findIndex((image) => image.name === item?.datum?.image);
    if (index >= 0) view([data.images[index]], 0, i);
  });
  const pair = structuredClone(data.charts.roc);
  pair.data.values = pair.data.values.filter((row) => row.model === a || row.model === b);
  const { scale } = pair.layer[1].encoding.color;
  const indices = scale.domain.flatMap((name, k) => (name === a || name === b ? [k] : []));
  pair.layer[1].encoding.color.scale = { domain: indices.map((k) => scale.domain[k]), range: indices.map((k) => scale.range[k]) };
  show("pair", pair);
  const disagreements = data.images.filter((image) => called(image, i) !== called(image, j));
  const largest = (disagreements.length ? disagreements : [...data.images]).sort((p, q) => Math.abs(q.scores[i] - q.scores[j]) - Math.abs(p.scores[i] - p.scores[j])).slice(0, 12);
  byId("differing").replaceChildren(...largest.map((image, k) => tile(image, i, () => view(largest, k, i), false)));
}
first.addEventListener("change", showCompared);
second.addEventListener("change", showCompared);
showCompared();

// ---- the gallery ----

const filters = byId("filters");
let matches = [];
let limit = PAGE;

function filtered() {
  const model = data.models.indexOf(filters.elements.model.value);
  const selected = Object.fromEntries(["kind", "difficulty", "part", "order"].map((name) => [name, filters.elements[name].value]));
  const [label, outcome] = selected.kind.split("-");
  const confidence = (image) => Math.abs(image.scores[model] - data.thresholds[model]);
  const orders = {
    sure: (p, q) => confidence(q) - confidence(p),
    unsure: (p, q) => confidence(p) - confidence(q),
    high: (p, q) => q.scores[model] - p.scores[model],
    low: (p, q) => p.scores[model] - q.scores[model],
  };
  return data.images
    .filter((image) => label === "all" || (named(image.label) === label && (called(image, model) === image.label) === (outcome === "right")))
    .filter((image) => !selected.difficulty || image.difficulty === selected.difficulty)
    .filter((image) => !selected.part || image.parts.includes(selected.part))
    .sort(orders[selected.order]);
}

function showGallery() {
  const model = data.models.indexOf(filters.elements.model.value);
  matches = filtered();
  const heat = filters.elements.heat.checked;
  byId("count").textContent = `${matches.length} of ${data.images.length} test images${data.images.length < data.all.image.length ? ` (${data.all.image.length} were tested; the most confident correct and wrong predictions are shown)` : ""}`;
  byId("grid").replaceChildren(...matches.slice(0, limit).map((image, k) => tile(image, model, () => view(matches, k, model), heat)));
  byId("more").hidden = matches.length <= limit;
}
filters.addEventListener("submit", (event) => event.preventDefault());
filters.addEventListener("change", () => {
  limit = PAGE;
  showGallery();
});
byId("more").addEventListener("click", () => {
  limit += PAGE;
  showGallery();
});
showGallery();

// ---- the viewer ----

const viewer = byId("viewer");
let viewing = { images: [], at: 0 };
byId("viewer-model").append(element("option", { value: "" }, "no model"), ...data.models.map((name) => element("option", {}, name)));

function view(images, at, model) {
  viewing = { images, at };
  byId("viewer-model").value = data.models[model];
  showViewed();
  if (!viewer.open) viewer.showModal();
}

function showViewed() {
  const image = viewing.images[viewing.at];
  const model = byId("viewer-model").value;
  byId("viewer-name").textContent = image.name;
  const picture = byId("viewer-image");
  picture.src = image.uri;
  picture.alt = `${named(image.label)} test image ${image.name}`;
  const replaced = image.parts.length ? `; replaced: ${image.parts.join(", ")}` : "";
  byId("viewer-about").textContent = `${named(image.label)}${image.difficulty ? `, ${image.difficulty}` : ""}${image.label ? replaced : ""}`;
  const canvas = byId("viewer-heat");
  const warm = model ? drawHeat(canvas, image, model, 512) : (canvas.width = 512, false);
  if (!model) canvas.height = 512;
  const truth = byId("viewer-truth");
  truth.disabled = !image.mask;
  if (truth.checked) outline(canvas, image);
  const origins = { mask: "a mask in the data folder", source: "the difference from its source photograph", boxes: "the boxes of the parts in its file name" };
  const notes = [];
  if (model && !warm) notes.push(model in data.heat ? "The heatmap of this model is empty: nothing in the image raises its score." : "This model has no heatmaps.");
  if (image.mask) notes.push(`What was replaced is known from ${origins[image.truth]}.`);
  byId("viewer-note").textContent = notes.join(" ");
  byId("viewer-scores").tBodies[0].replaceChildren(
    ...data.models.map((name, k) => {
      const meter = element("div", { className: "meter" }, element("i"), element("b"));
      meter.children[0].style.width = `${100 * image.scores[k]}%`;
      meter.children[1].style.left = `${100 * data.thresholds[k]}%`;
      const right = called(image, k) === image.label;
      return element(
        "tr",
        { className: name === model ? "selected" : "" },
        element("th", { scope: "row" }, name),
        element("td", {}, `${image.scores[k].toFixed(3)} ${right ? "✓" : "✗"}`),
        element("td", { className: "score" }, meter),
      );
    }),
  );
  byId("viewer-place").textContent = `${viewing.at + 1} of ${viewing.images.length}`;
}

function step(by) {
  viewing.at = (viewing.at + by + viewing.images.length) % viewing.images.length;
  showViewed();
}
byId("previous").addEventListener("click", () => step(-1));
byId("next").addEventListener("click", () => step(1));
byId("close").addEventListener("click", () => viewer.close());
byId("viewer-model").addEventListener("change", showViewed);
byId("viewer-truth").addEventListener("change", showViewed);
viewer.addEventListener("click", (event) => {
  if (event.target === viewer) viewer.close();
});
viewer.addEventListener("keydown", (event) => {
  if (event.target.matches("select")) return;
  if (event.key === "ArrowLeft") step(-1);
  if (event.key === "ArrowRight") step(1);
});

// ---- inside the models ----

const inside = byId("inside-model");
function showInside() {
  for (const picture of document.querySelectorAll("img.inside")) picture.hidden = picture.dataset.model !== inside.value;
}
inside?.addEventListener("change", showInside);
if (inside) showInside();

document.documentElement.dataset.ready = "true";
