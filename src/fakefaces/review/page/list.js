// A list of any length: only the rows in view, and some around them, are in the page.

const HEIGHT = 60; // pixels of a row, as in review.css
const AROUND = 6;
const PATIENCE = 60; // milliseconds that a row has to stay before its picture is asked for

export class List {
  constructor(box, side, onSelect) {
    this.box = box;
    this.all = box.firstElementChild;
    this.side = side;
    this.rows = [];
    this.nodes = new Map();
    box.addEventListener("scroll", () => this.fill());
    new ResizeObserver(() => this.draw(this.rows, this.selected, true)).observe(box);
    this.all.addEventListener("click", (event) => {
      const key = event.target.closest("[data-key]")?.dataset.key;
      const row = this.rows.find((one) => one.key === key);
      if (row) onSelect(row);
    });
  }

  get page() {
    return Math.max(1, Math.floor(this.box.clientHeight / HEIGHT) - 1);
  }

  // Show rows. The selected one is brought into view, or stays where it is on the screen when others come before it.
  draw(rows, selected, reveal) {
    const before = this.at;
    const wasInView = before !== undefined && before >= 0 && this.selected === selected;
    this.rows = rows;
    this.selected = selected;
    this.at = rows.indexOf(selected);
    this.all.style.height = `${rows.length * HEIGHT}px`;
    if (this.at >= 0) {
      if (wasInView && before !== this.at) this.box.scrollTop += (this.at - before) * HEIGHT;
      if (reveal) {
        const top = this.at * HEIGHT;
        const lowest = top + HEIGHT - this.box.clientHeight;
        if (this.box.scrollTop > top) this.box.scrollTop = top;
        else if (this.box.scrollTop < lowest) this.box.scrollTop = lowest;
      }
    }
    this.fill();
  }

  fill() {
    const first = Math.max(0, Math.floor(this.box.scrollTop / HEIGHT) - AROUND);
    const last = Math.min(this.rows.length, Math.ceil((this.box.scrollTop + this.box.clientHeight) / HEIGHT) + AROUND);
    const wanted = new Set(this.rows.slice(first, last).map((row) => row.key));
    if (this.at >= 0) wanted.add(this.selected.key); // what has the focus must not leave the page
    for (const [key, node] of this.nodes) {
      if (!wanted.has(key)) {
        node.remove();
        this.nodes.delete(key);
      }
    }
    for (let k = first; k < last; k++) this.place(k);
    if (this.at >= 0 && (this.at < first || this.at >= last)) this.place(this.at);
    if (this.at >= 0) this.box.setAttribute("aria-activedescendant", `row-${this.selected.key}`);
    else this.box.removeAttribute("aria-activedescendant");
  }

  place(k) {
    const row = this.rows[k];
    let node = this.nodes.get(row.key);
    if (!node) {
      node = this.make(row);
      this.nodes.set(row.key, node);
      this.all.append(node);
    }
    node.style.top = `${k * HEIGHT}px`;
    node.setAttribute("aria-setsize", this.rows.length);
    node.setAttribute("aria-posinset", k + 1);
    node.setAttribute("aria-selected", row === this.selected);
    const label = node.querySelector(".mine");
    label.textContent = row.mine ? `you: ${row.mine}` : row.disagree ? "people disagree" : "";
    label.className = `mine ${row.mine ?? ""}`;
  }

  make(row) {
    const node = document.createElement("div");
    node.id = `row-${row.key}`;
    node.className = "row";
    node.dataset.key = row.key;
    node.setAttribute("role", "option");
    const image = document.createElement("img");
    image.alt = "";
    const [name, caption, score, mine] = ["name", "caption", `score ${row.predicted}`, "mine"].map((kind) => {
      const text = document.createElement("span");
      text.className = kind;
      return text;
    });
    const end = row.name.lastIndexOf("/") + 1;
    for (const part of [row.name.slice(0, end), row.name.slice(end)]) {
      name.append(Object.assign(document.createElement("span"), { textContent: part }));
    }
    name.title = row.name;
    caption.textContent = prediction(row);
    score.textContent = row.p_fake.toFixed(3);
    node.append(image, name, caption, score, mine);
    setTimeout(() => {
      if (node.isConnected) image.src = `/picture/${row.key}?side=${this.side}`;
    }, PATIENCE);
    return node;
  }
}

export function prediction(row) {
  return `predicted ${row.predicted}${row.unsure ? ", unsure" : ""}${row.unfamiliar ? ", unfamiliar" : ""}`;
}
