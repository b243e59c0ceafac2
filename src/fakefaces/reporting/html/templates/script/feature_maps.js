// Feature maps and filters of the chosen model.
const inside = byId("inside-model");
function showInside() {
  for (const picture of document.querySelectorAll("img.inside")) picture.hidden = picture.dataset.model !== inside.value;
}
inside?.addEventListener("change", showInside);
if (inside) showInside();
