// The view in the page's address, so that a link leads to it: what differs from the page as it opens.
const KEPT = { filters: ["model", "kind", "difficulty", "part", "order", "search", "heat"], plan: ["model", "one_in", "photographs", "reviews"] };
let resting; // a timer
const asText = (control) => (control.type === "checkbox" ? (control.checked ? "1" : "") : control.value);

function controls() {
  return Object.entries(KEPT).flatMap(([form, names]) => names.map((name) => [`${form}.${name}`, byId(form).elements[name]]));
}
const opening = new Map(controls().map(([key, control]) => [key, asText(control)]));

function viewed(at) {
  const view = new URLSearchParams({ at });
  for (const [key, control] of controls()) if (asText(control) !== opening.get(key)) view.set(key, asText(control));
  data.models.forEach((name, k) => {
    if (thresholds[k] !== data.thresholds[k]) view.set(`threshold.${name}`, thresholds[k]);
  });
  for (const side of ["first", "second"]) if (at === "compare") view.set(side, byId(side).value);
  if (viewer.open) view.set("image", viewing.images[viewing.at].name);
  return `#${view}`;
}

function keepView(at) {
  clearTimeout(resting);
  const address = viewed(at);
  byId("link").href = address;
  history.replaceState(null, "", address);
}

function restoreView() {
  const address = new URLSearchParams(location.hash.slice(1));
  if (!address.has("at")) return;
  for (const [key, control] of controls()) {
    const text = address.get(key) ?? opening.get(key);
    if (control.type === "checkbox") control.checked = text === "1";
    else control.value = control.type === "number" && !(Number(text) > 0) ? opening.get(key) : text;
    if (control.tagName === "SELECT" && control.selectedIndex < 0) control.value = opening.get(key);
  }
  data.models.forEach((name, k) => {
    const threshold = Number(address.get(`threshold.${name}`) ?? NaN);
    decideAt(k, threshold >= 0 && threshold <= 1 ? threshold : data.thresholds[k]);
  });
  for (const side of ["first", "second"]) if (data.models.includes(address.get(side))) byId(side).value = address.get(side);
  refreshPlan();
  refreshGallery();
  showCompared();
  const shown = matches.findIndex((image) => image.name === address.get("image"));
  if (shown >= 0) view(matches, shown, data.models.indexOf(filters.elements.model.value));
  else byId(address.get("at"))?.scrollIntoView();
}

// While a slider moves or a name is typed the address follows at rest: browsers refuse hundreds of changes.
function keepAtRest(at) {
  clearTimeout(resting);
  resting = setTimeout(() => keepView(at), 300);
}

plan.addEventListener("input", () => keepAtRest("decide"));
for (const id of ["at-point", "at-reviews"]) byId(id).addEventListener("click", () => keepView("decide"));
plan.addEventListener("change", () => keepView("decide"));
filters.addEventListener("input", () => keepAtRest("gallery"));
filters.addEventListener("change", () => keepView("gallery"));
for (const side of [first, second]) side.addEventListener("change", () => keepView("compare"));
viewer.addEventListener("show", () => keepView("gallery"));
viewer.addEventListener("close", () => keepView("gallery"));
window.addEventListener("hashchange", restoreView);
restoreView();

Promise.allSettled(drawings).then(() => {
  document.documentElement.dataset.ready = "true";
});
