// Charts in the page's colours, with a legend whose entries hide and show what they name.
const THEME = {
  background: "transparent",
  font: "system-ui, sans-serif",
  view: { stroke: "var(--line)" },
  axis: {
    labelColor: "var(--ink)", titleColor: "var(--soft)", labelFontSize: 12, titleFontSize: 12, titleFontWeight: "normal",
    gridColor: "var(--line)", domainColor: "var(--line)", tickColor: "var(--line)",
  },
};
const dark = window.matchMedia("(prefers-color-scheme: dark)");
const hidden = new Map(); // place -> names that its legend hides

function parts(spec) {
  return [spec, ...(spec.layer ?? [])].filter((part) => part.encoding?.color?.scale);
}

function showLegend(id, spec) {
  const place = byId(`legend-${id}`);
  const [part] = parts(spec);
  if (!place || !part) return;
  const { domain, range } = part.encoding.color.scale;
  const off = hidden.get(id) ?? hidden.set(id, new Set()).get(id);
  place.replaceChildren(
    ...domain.map((name, k) => {
      const swatch = element("i", {});
      swatch.style.background = range[k];
      const button = element("button", { type: "button", title: `Hide or show ${name}` }, swatch, name);
      button.setAttribute("aria-pressed", String(!off.has(name)));
      button.addEventListener("click", () => {
        if (!off.delete(name)) off.add(name);
        button.setAttribute("aria-pressed", String(!off.has(name)));
        draw(id, spec);
      });
      return button;
    }),
  );
}

function draw(id, spec) {
  const place = byId(`chart-${id}`);
  const drawn = structuredClone(spec);
  const off = hidden.get(id);
  for (const { encoding } of parts(drawn)) {
    encoding.color.legend = null;
    if (encoding.shape) encoding.shape.legend = null;
    const { field } = encoding.color;
    if (off?.size) drawn.data.values = drawn.data.values.filter((row) => !off.has(row[field]));
  }
  const options = { actions: false, renderer: "svg", config: THEME, tooltip: { theme: dark.matches ? "dark" : "light" } };
  return window.vegaEmbed(place, drawn, options);
}

async function show(id, spec) {
  if (!byId(`chart-${id}`) || !spec) return null;
  showLegend(id, spec);
  return draw(id, spec);
}

const training = byId("training-model");
function showTraining() {
  const [loss, accuracy] = data.charts.history[training.value] ?? [];
  return Promise.all([show("loss", loss), show("accuracy", accuracy)]);
}

const drawings = []; // promises of the charts that the page opens with
const STANDING = ["roc", "precision_recall", "reliability", "tippett", "difficulty", "part", "part_count", "robustness", "pointing", "energy"];
for (const id of STANDING) drawings.push(show(id, data.charts[id]));
Object.values(data.charts.groups ?? {}).forEach((spec, k) => drawings.push(show(`groups-${k}`, spec)));
training?.addEventListener("change", showTraining);
if (training) drawings.push(showTraining());
