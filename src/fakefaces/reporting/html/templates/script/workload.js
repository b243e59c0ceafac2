// The work of a day at a threshold and a base rate: the arithmetic of evaluation/base_rate.py, line by line.
const Z2 = 1.959963984540054 ** 2;

function wilson(rate, n) {
  const centre = (rate + Z2 / (2 * n)) / (1 + Z2 / n);
  const half = Math.sqrt(Z2 * ((rate * (1 - rate)) / n + Z2 / (4 * n * n))) / (1 + Z2 / n);
  return [Math.max(0, centre - half), Math.min(1, centre + half)];
}

const estimate = (value, low, high) => ({ value, low, high });
const scaled = (rate, n, size) => estimate(size * rate, ...wilson(rate, n).map((bound) => size * bound));
const times = (part, size) => part && estimate(size * part.value, size * part.low, size * part.high);
const rest = (part, whole) => part && estimate(whole - part.value, whole - part.high, whole - part.low);
const smaller = (a, b) => (b ? estimate(Math.min(a.value, b.value), Math.min(a.low, b.low), Math.min(a.high, b.high)) : a);

function sum(a, b) {
  const value = a.value + b.value;
  return estimate(value, value - Math.hypot(a.value - a.low, b.value - b.low), value + Math.hypot(a.value - a.high, b.value - b.high));
}

function ratioBounds(top, bottom) {
  const product = top.value * bottom.value;
  const root = (up, down) => Math.sqrt(Math.max(0, product ** 2 - up * down));
  let up = top.low * (2 * top.value - top.low);
  let down = bottom.high * (2 * bottom.value - bottom.high);
  const low = up ? up / (product + root(up, down)) : 0;
  up = top.high * (2 * top.value - top.high);
  down = bottom.low * (2 * bottom.value - bottom.low);
  return [low, down > 0 ? (product + root(up, down)) / down : Infinity];
}

function precisionAt(rates, baseRate) {
  if (rates.recall + rates.fpr === 0) return null; // nothing is called fake
  const value = (baseRate * rates.recall) / (baseRate * rates.recall + (1 - baseRate) * rates.fpr);
  const ratio = ratioBounds(scaled(rates.fpr, rates.nReals, 1), scaled(rates.recall, rates.nFakes, 1));
  const [high, low] = ratio.map((bound) => 1 / (1 + ((1 - baseRate) / baseRate) * bound));
  return estimate(value, low, high);
}

function workload(rates, { baseRate, photographs, reviews }) {
  const fakes = photographs * baseRate;
  const hits = scaled(rates.recall, rates.nFakes, fakes);
  const alarms = scaled(rates.fpr, rates.nReals, photographs - fakes);
  const flagged = sum(hits, alarms);
  const precision = precisionAt(rates, baseRate);
  const found = smaller(hits, times(precision, reviews));
  const accused = smaller(alarms, times(rest(precision, 1), reviews));
  return { flagged, reviewed: smaller(flagged, estimate(reviews, reviews, reviews)), found, accused, missed: rest(found, fakes), precision };
}

function ratesOf(model, threshold) {
  const counts = [[0, 0], [0, 0]]; // by label: called fake, all
  data.all.label.forEach((label, k) => {
    counts[label][0] += data.all.scores[model][k] >= threshold;
    counts[label][1] += 1;
  });
  const [fpr, recall] = counts.map(([called, all]) => (all ? called / all : null));
  return { recall, fpr, counts, nReals: data.planning.n_reals, nFakes: data.planning.n_fakes };
}

// The lowest threshold at which all that is called fake can be looked at, by the validation images.
function thresholdFor(model, { baseRate, photographs, reviews }) {
  const fitting = data.planning.curves[model].filter(([, recall, fpr]) => photographs * (baseRate * recall + (1 - baseRate) * fpr) <= reviews);
  return fitting.length ? fitting.at(-1)[0] : null;
}
