// What all parts of the page share. The files of this folder make one module, in the order of page.py.
const data = JSON.parse(document.getElementById("page-data").textContent);
const byId = (id) => document.getElementById(id);
const short = (name) => name.split("/").at(-1);
const named = (label) => (label ? "fake" : "real");

function element(name, attributes = {}, ...children) {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key in node && key !== "style") node[key] = value;
    else node.setAttribute(key, value);
  }
  node.append(...children);
  return node;
}

// Where each model decides; a reader may move it. `onDecision` is called after each move.
const thresholds = [...data.thresholds];
const onDecision = [];
const called = (image, model) => (image.scores[model] >= thresholds[model] ? 1 : 0);

function decideAt(model, threshold) {
  if (thresholds[model] === threshold) return;
  thresholds[model] = threshold;
  for (const follow of onDecision) follow(model);
}
