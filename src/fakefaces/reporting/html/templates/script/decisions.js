// The panel in which a reader moves threshold and base rate.
const plan = byId("plan");
const planned = plan.elements;
const number = (value, digits = value >= 10 || value === 0 ? 0 : 1) => value.toLocaleString("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits });
const percent = (value) => `${(100 * value).toFixed(1)}%`;
const chosen = () => data.models.indexOf(planned.model.value);

function traffic() {
  const [oneIn, photographs, reviews] = ["one_in", "photographs", "reviews"].map((name) => planned[name].valueAsNumber);
  return oneIn > 1 && photographs > 0 && reviews > 0 ? { baseRate: 1 / oneIn, photographs, reviews } : null;
}

function showThreshold() {
  const threshold = thresholds[chosen()];
  planned.threshold.value = Number(threshold.toFixed(4));
  planned.slider.value = threshold;
}

function showDay() {
  const model = chosen();
  const threshold = thresholds[model];
  const demand = traffic();
  const rates = ratesOf(model, threshold);
  const rows = byId("plan-day").tBodies[0];
  if (!demand || rates.recall === null || rates.fpr === null) {
    byId("plan-sentence").textContent = demand ? "Without both classes among the test images nothing can be said." : "Enter numbers above 0, and 1 fake in more than 1.";
    rows.replaceChildren();
    byId("plan-note").textContent = "";
    return;
  }
  const day = workload(rates, demand);
  const fakes = demand.photographs * demand.baseRate;
  const bounds = ({ low, high }, format = number) => `${format(low)} to ${format(high)}`;
  const inBrackets = (part, format = number) => `${format(part.value)} [${format(part.low)}, ${format(part.high)}]`;
  const at = threshold === data.thresholds[model] ? `${threshold.toFixed(3)}, where it decides` : `${threshold.toFixed(3)}, moved from ${data.thresholds[model].toFixed(3)}`;
  byId("plan-sentence").textContent =
    `${planned.model.value} at ${at}: at 1 fake in ${planned.one_in.valueAsNumber.toLocaleString("en-US")} and ${number(demand.reviews)} reviews a day, ` +
    `${inBrackets(day.found)} of ${number(fakes)} fakes found, ${inBrackets(day.accused)} reals accused, ` +
    (day.precision ? `precision ${inBrackets(day.precision, percent)}.` : "and no precision, as nothing is called fake.");
  const lines = [
    ["photographs called fake", day.flagged],
    ["of these looked at", day.reviewed],
    ["fakes found", day.found],
    ["reals accused", day.accused],
    ["fakes missed", day.missed],
    [`precision at 1 fake in ${planned.one_in.valueAsNumber.toLocaleString("en-US")}`, day.precision, percent],
  ];
  rows.replaceChildren(
    ...lines.map(([title, part, format = number]) =>
      element("tr", {}, element("th", { scope: "row" }, title), element("td", {}, part ? format(part.value) : "–"), element("td", {}, part ? bounds(part, format) : "–")),
    ),
  );
  const [[alarms, reals], [hits, all]] = rates.counts;
  byId("plan-note").textContent = `On the test images: ${hits} of ${all} fakes and ${alarms} of ${reals} reals are called fake.`;
}

function refreshPlan() {
  showThreshold();
  showDay();
}

planned.model.addEventListener("change", refreshPlan);
for (const name of ["one_in", "photographs", "reviews"]) planned[name].addEventListener("input", showDay);
planned.threshold.addEventListener("change", () => {
  const threshold = planned.threshold.valueAsNumber;
  if (threshold >= 0 && threshold <= 1) decideAt(chosen(), threshold);
  refreshPlan();
});
planned.slider.addEventListener("input", () => decideAt(chosen(), planned.slider.valueAsNumber));
byId("at-point").addEventListener("click", () => decideAt(chosen(), data.thresholds[chosen()]));
byId("at-reviews").addEventListener("click", () => {
  const demand = traffic();
  const threshold = demand && thresholdFor(chosen(), demand);
  if (threshold !== null) decideAt(chosen(), threshold);
  else byId("plan-note").textContent = "No threshold: even at the highest one more is called fake on validation.";
});
plan.addEventListener("submit", (event) => event.preventDefault());
onDecision.push(refreshPlan);
refreshPlan();
