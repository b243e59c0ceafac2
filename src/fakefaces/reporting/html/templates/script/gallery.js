// The gallery: filtered, searched and sorted.
const filters = byId("filters");
let matches = [];
const PAGE = 48; // tiles that are shown at first
let limit = PAGE;

function filtered() {
  const model = data.models.indexOf(filters.elements.model.value);
  const selected = Object.fromEntries(["kind", "difficulty", "part", "order"].map((name) => [name, filters.elements[name].value]));
  const [label, outcome] = selected.kind.split("-");
  const sought = filters.elements.search.value.trim().toLowerCase();
  const right = (image) => called(image, model) === image.label;
  const confidence = (image) => Math.abs(image.scores[model] - thresholds[model]);
  const orders = {
    sure: (p, q) => confidence(q) - confidence(p),
    unsure: (p, q) => confidence(p) - confidence(q),
    high: (p, q) => q.scores[model] - p.scores[model],
    low: (p, q) => p.scores[model] - q.scores[model],
  };
  return data.images
    .filter((image) => label === "all" || ((label === "any" || named(image.label) === label) && right(image) === (outcome === "right")))
    .filter((image) => image.name.toLowerCase().includes(sought))
    .filter((image) => !selected.difficulty || image.difficulty === selected.difficulty)
    .filter((image) => !selected.part || image.parts.includes(selected.part))
    .sort(orders[selected.order]);
}

function showGallery() {
  const model = data.models.indexOf(filters.elements.model.value);
  matches = filtered();
  const heat = filters.elements.heat.checked;
  const some = data.images.length < data.all.image.length;
  const notes = [
    some ? ` (${data.all.image.length} were tested; the most confident correct and wrong predictions are shown)` : "",
    `; right and wrong at a threshold of ${thresholds[model].toFixed(3)}.`,
  ];
  byId("count").textContent = `${matches.length} of ${data.images.length} test images${notes.join("")}`;
  byId("grid").replaceChildren(...matches.slice(0, limit).map((image, k) => tile(image, model, () => view(matches, k, model), heat)));
  byId("more").hidden = matches.length <= limit;
}
function refreshGallery() {
  limit = PAGE;
  showGallery();
}
filters.addEventListener("submit", (event) => event.preventDefault());
filters.addEventListener("input", refreshGallery);
filters.addEventListener("change", refreshGallery);
onDecision.push(showGallery);
byId("more").addEventListener("click", () => {
  limit += PAGE;
  showGallery();
});
showGallery();
