// Photographs with their heatmaps, as tiles.
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

function tile(image, model, open, heat) {
  const right = called(image, model) === image.label;
  const face = element("span", { className: "face" }, element("img", { src: image.uri, alt: "" }));
  if (heat) {
    const canvas = element("canvas");
    drawHeat(canvas, image, data.models[model], 128);
    face.append(canvas);
  }
  const verdict = element("span", { className: "verdict" }, `${right ? "✓" : "✗"} `, element("span", { className: "score" }, image.scores[model].toFixed(3)));
  const strange = image.unfamiliar.includes(data.models[model]) ? ", unfamiliar" : "";
  const about = `${named(image.label)}${image.difficulty ? `, ${image.difficulty}` : ""}${strange}`;
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
