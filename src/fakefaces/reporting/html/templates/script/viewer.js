// The viewer: one photograph, with its heatmap and the score of each model.
const viewer = byId("viewer");
let viewing = { images: [], at: 0 };
byId("viewer-model").append(element("option", { value: "" }, "no model"), ...data.models.map((name) => element("option", {}, name)));

function view(images, at, model) {
  viewing = { images, at };
  byId("viewer-model").value = data.models[model];
  showViewed();
  if (!viewer.open) viewer.showModal();
}

// One pixel of the embedded picture is one of the page, unless enlarged: what is interpolated is no longer what was measured.
function shownSize(image, width, height) {
  const [measuredWidth, measuredHeight] = image.size;
  const measured = `The file has ${measuredWidth} × ${measuredHeight} pixels`;
  return width && width < measuredWidth ? `${measured}; this page holds ${width} × ${height} of them, so that it stays small.` : `${measured}, all of which are shown.`;
}

function showViewed() {
  const image = viewing.images[viewing.at];
  const model = byId("viewer-model").value;
  byId("viewer-name").textContent = image.name;
  const picture = byId("viewer-image");
  if (picture.src !== image.uri) picture.src = image.uri;
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
  const notes = [shownSize(image, picture.naturalWidth, picture.naturalHeight)];
  if (model && !warm) notes.push(model in data.heat ? "The heatmap of this model is empty: nothing in the image raises its score." : "This model has no heatmaps.");
  if (image.mask) notes.push(`What was replaced is known from ${origins[image.truth]}.`);
  byId("viewer-note").textContent = notes.filter(Boolean).join(" ");
  byId("viewer-scores").tBodies[0].replaceChildren(
    ...data.models.map((name, k) => {
      const meter = element("div", { className: "meter" }, element("i"), element("b"));
      meter.children[0].style.width = `${100 * image.scores[k]}%`;
      meter.children[1].style.left = `${100 * thresholds[k]}%`;
      const right = called(image, k) === image.label;
      return element(
        "tr",
        { className: name === model ? "selected" : "" },
        element("th", { scope: "row" }, name),
        element("td", {}, `${image.scores[k].toFixed(3)} ${right ? "✓" : "✗"}${image.unfamiliar.includes(name) ? " unfamiliar" : ""}`),
        element("td", { className: "score" }, meter),
      );
    }),
  );
  viewer.dispatchEvent(new Event("show"));
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
byId("viewer-image").addEventListener("load", showViewed);
byId("viewer-large").addEventListener("change", (event) => viewer.classList.toggle("large", event.target.checked));
viewer.addEventListener("click", (event) => {
  if (event.target === viewer) viewer.close();
});
viewer.addEventListener("keydown", (event) => {
  if (event.target.matches("select")) return;
  if (event.key === "ArrowLeft") step(-1);
  if (event.key === "ArrowRight") step(1);
});
