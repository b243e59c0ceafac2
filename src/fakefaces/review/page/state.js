// The rows of the whole queue, and which of them are shown, in which order. Nothing here touches the page or the server.

export const ORDERS = {
  "highest score": (a, b) => b.p_fake - a.p_fake,
  "lowest score": (a, b) => a.p_fake - b.p_fake,
  "least sure": (a, b) => (b.unsure === true) - (a.unsure === true) || a.distance - b.distance,
  "as added": () => 0,
};

export const FILTERS = [
  { id: "all", text: "All", keep: () => true },
  { id: "unlabelled", text: "Unlabelled", keep: (row) => !row.mine },
  { id: "labelled", text: "Labelled", keep: (row) => row.mine },
  { id: "unsure", text: "Unsure", keep: (row) => row.unsure === true, known: (row) => row.unsure !== null },
  { id: "unfamiliar", text: "Unfamiliar", keep: (row) => row.unfamiliar === true, known: (row) => row.unfamiliar !== null },
  { id: "differing", text: "You and the model differ", keep: (row) => row.mine && row.mine !== row.predicted },
  { id: "disagreeing", text: "People disagree", keep: (row) => row.disagree },
];

export class Queue {
  constructor(threshold) {
    this.threshold = threshold;
    this.order = Object.keys(ORDERS)[0];
    this.filter = FILTERS[0];
    this.search = "";
    this.clear();
  }

  clear() {
    this.added = [];
    this.byKey = new Map();
    this.sorted = null;
    this.selected = null;
    this.chosen = false; // by the user; until then the first row is open
  }

  add(photographs) {
    for (const row of photographs) {
      Object.assign(row, { mine: null, others: 0, disagree: false, distance: Math.abs(row.p_fake - this.threshold) });
      this.added.push(row);
      this.byKey.set(row.key, row);
    }
    if (photographs.length) this.sorted = null;
  }

  setOrder(order) {
    this.order = order;
    this.sorted = null;
  }

  // The rows that are shown. Sorting is stable: ties stay in the order in which they were added.
  shown() {
    this.sorted ??= [...this.added].sort(ORDERS[this.order]);
    const words = this.search.toLowerCase();
    const rows = this.sorted.filter((row) => this.filter.keep(row) && (!words || row.name.toLowerCase().includes(words)));
    if (!this.chosen) this.selected = rows[0] ?? null;
    return rows;
  }

  // How many rows a filter keeps; null where the model does not say of any.
  count(filter) {
    if (filter.known && this.added.length && !this.added.some(filter.known)) return null;
    return this.added.reduce((sum, row) => sum + (filter.keep(row) ? 1 : 0), 0);
  }

  select(row) {
    this.selected = row;
    this.chosen = true;
  }

  // Select the row that is so many rows further; of the first or last where there is none.
  move(by) {
    const rows = this.shown();
    if (!rows.length) return;
    const at = rows.indexOf(this.selected);
    this.select(rows[Math.max(0, Math.min(rows.length - 1, at < 0 ? 0 : at + by))]);
  }

  // Select the next row without a label, from the selected one on and around.
  moveToUnlabelled() {
    const rows = this.shown();
    const at = rows.indexOf(this.selected);
    const next = [...rows.slice(at + 1), ...rows.slice(0, at + 1)].find((row) => !row.mine);
    if (next) this.select(next);
    return Boolean(next);
  }

  // Label the selected row and go on to the next one; a removed label stays where it is.
  label(label) {
    const row = this.selected;
    const at = this.shown().indexOf(row);
    row.mine = label;
    this.chosen = true;
    const rows = this.shown();
    const stays = rows[at] === row;
    if (at >= 0 && rows.length && (label || !stays)) this.select(rows[Math.min(rows.length - 1, stays ? at + 1 : at)]);
    return row;
  }
}
