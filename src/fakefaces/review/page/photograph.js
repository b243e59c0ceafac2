// The selected photograph: its picture, which can be zoomed and moved, and the model's score of it.

import { get, picture } from "./server.js";
import { prediction } from "./list.js";

const KEPT = 12; // pictures, so that the next ones are there when they are asked for
const PATIENCE = 40; // milliseconds on a row before a picture that is not there yet is asked for, while a key is held
const ZOOMS = [1, 1.5, 2, 3, 4, 6, 8, 12];

const at = (id) => document.getElementById(id);

export class Detail {
  constructor(settings) {
    this.settings = settings;
    this.urls = new Map(); // of pictures as blobs, by what they show; the oldest first
    this.running = new Map();
    this.zoom = 1;
    this.heatmap = true;
    this.stage = at("stage");
    this.image = at("photograph");
    this.image.addEventListener("load", () => this.size());
    new ResizeObserver(() => this.size()).observe(this.stage);
    this.listen();
    const [low, high] = settings.band ?? [0, 0];
    Object.assign(document.querySelector(".meter .band").style, { left: `${100 * low}%`, width: `${100 * (high - low)}%` });
    document.querySelector(".meter .limit").style.left = `${100 * Math.min(1, settings.threshold)}%`;
  }

  // Show a row; ``around`` are those that will be asked for next.
  draw(row, around, reviewer) {
    at("detail").hidden = !row;
    at("empty").hidden = Boolean(row);
    if (!row) {
      this.row = null;
      return;
    }
    const another = this.row !== row;
    this.row = row;
    document.querySelector("#detail .name").textContent = row.name;
    at("prediction").textContent = `${row.p_fake.toFixed(3)}: ${prediction(row)}`;
    at("parts").textContent = `Suspected parts: ${row.parts.join(", ").replaceAll("_", " ") || "none"}`;
    at("credentials").textContent = row.credentials ?? "";
    at("credentials").hidden = !row.credentials;
    const others = row.others ? `; ${row.others} other${row.others > 1 ? "s" : ""} labelled it` : "";
    at("label").textContent = `Your label: ${row.mine ?? "none"}${row.mine && row.sure === false ? ", not sure" : ""}${others}${row.disagree ? "; people disagree" : ""}`;
    for (const label of ["real", "fake"]) at(label).setAttribute("aria-pressed", row.mine === label);
    document.querySelector(".meter .at").style.left = `${100 * row.p_fake}%`;
    document.querySelector(".heat").hidden = !row.heatmap;
    at("no-heatmap").textContent = `No heatmap: ${row.no_heatmap}`;
    at("no-heatmap").hidden = !row.no_heatmap;
    if (another) {
      this.zoom = 1;
      at("history").open = false;
    } else if (at("history").open) this.drawHistory(reviewer);
    this.around = around;
    this.show();
  }

  what(row, zoom) {
    const [, fit, full] = this.settings.sides;
    return { key: row.key, heatmap: this.heatmap && row.heatmap, side: zoom > 1 ? full : fit };
  }

  // Put the picture in place; never another one's, so that no label is given for what is not seen.
  show() {
    const wanted = this.what(this.row, this.zoom);
    const url = this.urls.get(name(wanted));
    if (url) {
      if (this.image.src !== url) this.image.src = url;
      this.image.dataset.shows = name(wanted);
      this.image.alt = wanted.heatmap ? "The photograph with its heatmap over it" : "The photograph";
      this.stage.dataset.problem = "";
      this.size();
      this.prepare();
      return;
    }
    if (this.image.dataset.shows?.split(" ")[0] !== wanted.key) {
      this.image.removeAttribute("src");
      this.image.alt = "";
      this.image.dataset.shows = "";
      this.stage.dataset.problem = "";
    }
    const held = performance.now() - (this.asked ?? -Infinity) < 3 * PATIENCE;
    this.asked = performance.now();
    clearTimeout(this.soon);
    this.soon = setTimeout(async () => {
      try {
        await this.load(wanted);
      } catch (error) {
        if (this.row?.key === wanted.key) this.stage.dataset.problem = error.message;
        return;
      }
      if (this.row && name(this.what(this.row, this.zoom)) === name(wanted)) this.show();
    }, held ? PATIENCE : 0);
  }

  // Load what will be asked for next, one after the other, until another photograph is open.
  async prepare() {
    const { row, around } = this;
    for (const next of around) {
      if (this.row !== row || this.around !== around) return;
      await this.load(this.what(next, 1)).catch(() => {}); // which is said when it is opened
    }
  }

  load(wanted) {
    const key = name(wanted);
    if (this.urls.has(key)) {
      const url = this.urls.get(key);
      this.urls.delete(key);
      this.urls.set(key, url);
      return Promise.resolve();
    }
    if (!this.running.has(key)) {
      const loading = picture(wanted.key, wanted.heatmap, wanted.side).then((blob) => {
        this.urls.set(key, URL.createObjectURL(blob));
        for (const [oldest, url] of this.urls) {
          if (this.urls.size <= KEPT) break;
          if (this.image.src === url) continue;
          URL.revokeObjectURL(url);
          this.urls.delete(oldest);
        }
      });
      this.running.set(key, loading.finally(() => this.running.delete(key)));
    }
    return this.running.get(key);
  }

  toggleHeatmap(on) {
    this.heatmap = on;
    at("heatmap").checked = on;
    if (this.row) this.show();
  }

  // Zoom by so many steps around the middle of what is seen; by none to the whole photograph.
  zoomBy(steps) {
    if (!this.row) return;
    const now = ZOOMS.indexOf(this.zoom);
    this.zoom = steps ? ZOOMS[Math.max(0, Math.min(ZOOMS.length - 1, now + steps))] : 1;
    this.show();
    this.size();
  }

  size() {
    const { naturalWidth: width, naturalHeight: height } = this.image;
    if (!width || !this.row) return;
    const { stage, zoom } = this;
    const [x, y] = [
      (stage.scrollLeft + stage.clientWidth / 2) / stage.scrollWidth,
      (stage.scrollTop + stage.clientHeight / 2) / stage.scrollHeight,
    ];
    const space = stage.getBoundingClientRect(); // the same with and without scroll bars
    const fit = Math.min(space.width / width, space.height / height);
    this.image.style.width = `${Math.floor(fit * zoom * width)}px`;
    this.image.style.height = `${Math.floor(fit * zoom * height)}px`;
    this.image.classList.toggle("coarse", fit * zoom > 3);
    stage.classList.toggle("zoomed", zoom > 1);
    if (this.sized !== `${zoom} ${this.row.key}`) {
      stage.scrollLeft = x * stage.scrollWidth - stage.clientWidth / 2;
      stage.scrollTop = y * stage.scrollHeight - stage.clientHeight / 2;
      this.sized = `${zoom} ${this.row.key}`;
    }
    at("zoom").textContent = `${zoom} ×`;
  }

  pan(x, y) {
    this.stage.scrollBy(x * this.stage.clientWidth / 4, y * this.stage.clientHeight / 4);
  }

  listen() {
    const { stage } = this;
    stage.addEventListener("wheel", (event) => {
      if (!event.ctrlKey) return; // a plain wheel scrolls; a pinch arrives as one with Ctrl
      event.preventDefault();
      this.zoomBy(event.deltaY < 0 ? 1 : -1);
    }, { passive: false });
    stage.addEventListener("dblclick", () => this.zoomBy(this.zoom > 1 ? 0 : 3));
    stage.addEventListener("pointerdown", (event) => {
      if (event.pointerType === "mouse" && this.zoom > 1) stage.setPointerCapture(event.pointerId);
    });
    stage.addEventListener("pointermove", (event) => {
      if (stage.hasPointerCapture(event.pointerId)) stage.scrollBy(-event.movementX, -event.movementY);
    });
  }

  async drawHistory(reviewer) {
    const { key } = this.row;
    const { events, hidden } = await get(`/history/${key}`, { reviewer });
    if (this.row?.key !== key) return;
    const lines = events.map((event) => {
      const said = event.label ? `said ${event.label}${event.sure === false ? ", not sure" : ""}` : "took the label away";
      const ending = event.undone ? " (undone)" : event.undoes ? " (by undoing)" : "";
      return `${event.reviewer} ${said}${ending}, ${new Date(event.at).toLocaleString()}`;
    });
    if (hidden) lines.push("Labels of others are shown once you have labelled it.");
    if (!lines.length) lines.push("Nobody yet.");
    at("history").querySelector("ol").replaceChildren(...lines.map((line) => {
      const item = document.createElement("li");
      item.textContent = line;
      return item;
    }));
  }
}

function name({ key, heatmap, side }) {
  return `${key} ${heatmap ? "heatmap" : "plain"} ${side}`;
}
