// The comparison of any two models.
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
  const p = row[`${metric}_p_text`] ?? "–";
  return `${signed(sign * row[`${metric}_difference`], 3)}${interval}${p === "–" ? "" : `, p ${/^[<≤]/.test(p) ? p : `= ${p}`}`}`;
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
  spec.layer[1].encoding.x.title = `${a}: ${spec.layer[1].encoding.x.title}`;
  spec.layer[1].encoding.y.title = `${b}: ${spec.layer[1].encoding.y.title}`;
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
  showDiffering();
}

function showDiffering() {
  const [i, j] = [first.selectedIndex, second.selectedIndex];
  const disagreements = data.images.filter((image) => called(image, i) !== called(image, j));
  const largest = (disagreements.length ? disagreements : [...data.images]).sort((p, q) => Math.abs(q.scores[i] - q.scores[j]) - Math.abs(p.scores[i] - p.scores[j])).slice(0, 12);
  byId("differing").replaceChildren(...largest.map((image, k) => tile(image, i, () => view(largest, k, i), false)));
}
onDecision.push(showDiffering);
first.addEventListener("change", showCompared);
second.addEventListener("change", showCompared);
drawings.push(showCompared());
