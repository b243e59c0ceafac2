// The review page: what is new comes from the server into the rows, and what is shown is drawn from them.

import { BaseRate } from "./base_rate.js";
import { Files } from "./files.js";
import { Keys } from "./keys.js";
import { Labels } from "./labels.js";
import { List } from "./list.js";
import { drawAgreement } from "./people.js";
import { Detail } from "./photograph.js";
import { get, post } from "./server.js";
import { FILTERS, ORDERS, Queue } from "./state.js";

const at = (id) => document.getElementById(id);
const BUSY = 300; // milliseconds between two questions for what is new, while something is on its way
const IDLE = 1500;

const settings = await get("/settings");
const queue = new Queue(settings.threshold);
const labels = new Labels((sentence) => trouble(sentence));
const files = new Files(() => drawState());
const list = new List(at("rows"), settings.sides[0], (row) => {
  queue.select(row);
  draw();
});
const detail = new Detail(settings);
let news = { session: null, event: 0, refused: [], n_refused: 0, unlike: null, scored: 0, waiting: 0 };
let champion = settings.uri;
let reviewer = sessionStorage.getItem("reviewer") || settings.reviewer;
let asking = null;

function draw(reveal = true) {
  const rows = queue.shown();
  list.draw(rows, queue.selected, reveal);
  const here = rows.indexOf(queue.selected);
  detail.draw(queue.selected, [here + 1, here + 2, here - 1, here + list.page].map((k) => rows[k]).filter(Boolean), reviewer);
  for (const button of at("filters").children) {
    const filter = FILTERS.find((one) => one.id === button.dataset.filter);
    button.setAttribute("aria-pressed", filter === queue.filter);
    const n = queue.count(filter);
    button.querySelector("output").textContent = n === null ? "–" : n.toLocaleString("en");
    button.title = n === null ? "This model does not say it of any photograph" : "";
  }
  const place = here < 0 ? "" : `, ${(here + 1).toLocaleString("en")} is open`;
  at("shown").textContent = queue.added.length ? `${rows.length.toLocaleString("en")} shown${place}` : "";
}

function drawState() {
  const sending = files.total - files.sent;
  const waiting = sending + news.waiting;
  at("state").textContent = `${news.scored.toLocaleString("en")} scored${waiting ? `, ${waiting.toLocaleString("en")} waiting` : ""}`;
  at("progress").hidden = !waiting;
  Object.assign(at("progress"), { max: waiting + news.scored, value: news.scored });
  at("unlike").textContent = news.unlike ?? "";
  at("unlike").hidden = !news.unlike;
  const refused = [...news.refused, ...files.failed];
  const n = news.n_refused + files.failed.length;
  at("refused").hidden = !n;
  at("refused").querySelector("summary").textContent = `${n.toLocaleString("en")} not taken`;
  const items = at("refused").querySelector("ul");
  for (const [name, reason] of refused.slice(items.children.length)) {
    const item = document.createElement("li");
    item.className = "refusal";
    item.textContent = `${name}: ${reason}`;
    items.append(item);
    at("refused").open = true;
  }
}

function trouble(sentence) {
  at("trouble").textContent = sentence;
  at("trouble").hidden = !sentence;
}

function say(sentence) {
  at("said").textContent = sentence;
}

function message(sentence) {
  at("message").hidden = false;
  at("message").firstElementChild.textContent = sentence;
}

// Ask what is new until there is nothing; one question at a time.
async function ask() {
  for (let more = true; more; ) {
    const asked = reviewer;
    const { session } = news;
    const answer = await get("/changes", {
      reviewer, photographs: queue.added.length, refused: news.refused.length, event: news.event,
    });
    if (asked !== reviewer) continue;
    if (session && answer.session !== session) { // the server was started again
      queue.clear();
      at("refused").querySelector("ul").replaceChildren();
      news = { ...news, session: answer.session, event: 0, refused: [] };
      continue;
    }
    queue.add(answer.photographs);
    const pending = new Set(labels.waiting.map((one) => one.body.photograph));
    for (const [key, given] of Object.entries(answer.labels)) {
      const row = queue.byKey.get(key);
      if (row) Object.assign(row, given, pending.has(key) ? { mine: row.mine } : {});
    }
    const changed = answer.photographs.length || Object.keys(answer.labels).length || session !== answer.session;
    news = { ...answer, refused: [...news.refused, ...answer.refused] };
    if (answer.uri !== champion) {
      champion = answer.uri;
      message(`${champion} is the champion now: it scores what is added from here on. Reload the page for its threshold.`);
    }
    if (changed) draw(!queue.chosen);
    drawState();
    more = answer.photographs.length > 0;
  }
}

function poll() {
  asking ??= ask().finally(() => (asking = null));
  return asking;
}

async function watch() {
  for (;;) {
    try {
      await poll();
      if (!labels.waiting.length) trouble("");
    } catch (error) {
      trouble(`The server does not answer (${error.message}). Start it again: the labels are kept.`);
    }
    const busy = news.waiting || files.sent < files.total;
    await new Promise((resume) => setTimeout(resume, busy ? BUSY : IDLE));
  }
}

function label(given) {
  if (!queue.selected) return;
  const before = queue.selected.mine;
  const sure = !at("doubt").checked;
  const row = queue.label(given);
  row.sure = sure;
  at("doubt").checked = false; // the doubt was about that photograph
  draw();
  say(`${row.name}: ${given ?? "no label"}${given && !sure ? ", not sure" : ""}`);
  labels.add(
    "/labels",
    { photograph: row.key, reviewer, label: given, sure },
    (answer) => {
      if (!labels.waiting.some((one) => one.body.photograph === row.key)) Object.assign(row, answer);
      draw(false);
    },
    (sentence) => {
      row.mine = before;
      queue.select(row);
      draw();
      message(`${row.name} has no new label: ${sentence}`);
    },
  );
}

function undo() {
  labels.add(
    "/undo",
    { reviewer },
    ({ photograph, labels: given }) => {
      const row = queue.byKey.get(photograph);
      if (!photograph) return say("Nothing is left to undo");
      if (!row) return message("The label of a photograph that is not in the queue was undone.");
      Object.assign(row, given);
      queue.select(row);
      if (!queue.shown().includes(row)) {
        queue.search = at("search").value = "";
        if (!queue.shown().includes(row)) queue.filter = FILTERS[0];
      }
      draw();
      say(`Undone: ${row.name} has ${row.mine ? `the label ${row.mine}` : "no label"} again`);
    },
    (sentence) => message(`Nothing was undone: ${sentence}`),
  );
}

async function exportCorrections() {
  try {
    const { table, rows, disagreeing, absent } = await post("/export", {});
    const advice = rows ? ` Import them into data/ with: fakefaces data ${table}` : "";
    const left = [
      disagreeing && `${disagreeing} on which people disagree (conflicts.csv takes decisions)`,
      absent && `${absent} whose photographs are not here (drop them again)`,
    ].filter(Boolean);
    const without = left.length ? ` Left out: ${left.join(", and ")}.` : "";
    message(`${table}: ${rows} labelled image${rows === 1 ? "" : "s"}.${without}${advice}`);
  } catch (error) {
    message(`Nothing was exported: ${error.message}`);
  }
}

function setFilter(filter) {
  queue.filter = filter;
  if (!queue.shown().includes(queue.selected)) queue.chosen = false;
  draw();
  say(`${filter.text}: ${queue.shown().length}`);
}

function setOrder(order) {
  queue.setOrder(order);
  at("order").value = order;
  draw();
  say(order);
}

function setReviewer(name) {
  reviewer = name.trim().split(/\s+/).join(" ") || settings.reviewer;
  at("reviewer").value = reviewer;
  sessionStorage.setItem("reviewer", reviewer);
  for (const row of queue.added) row.mine = null;
  news.event = 0;
  draw(false);
  poll().catch(() => {}); // which the next question tells
}

function move(act) {
  act();
  draw();
}

async function showAgreement() {
  await drawAgreement();
  at("people").showModal();
}

const panning = (event) => event.target === at("stage") && detail.zoom > 1;
const PANS = { "Shift ArrowLeft": [-1, 0], "Shift ArrowRight": [1, 0], "Shift ArrowUp": [0, -1], "Shift ArrowDown": [0, 1] };
const orders = Object.keys(ORDERS);
new Keys([
  { keys: ["r"], shown: ["R"], text: "it is real; on to the next", act: () => label("real") },
  { keys: ["f"], shown: ["F"], text: "it is fake; on to the next", act: () => label("fake") },
  { keys: ["u"], shown: ["U"], text: "no label", act: () => label(null) },
  { keys: ["q"], shown: ["Q"], text: "you are not sure of the label that you give next", act: () => at("doubt").click() },
  { keys: ["z"], shown: ["Z", "Ctrl Z"], text: "undo your last label", act: undo },
  { keys: ["ArrowDown", "j"], shown: ["↓", "J"], text: "the next photograph", repeats: true, unless: panning, act: () => move(() => queue.move(1)) },
  { keys: ["ArrowUp", "k"], shown: ["↑", "K"], text: "the one before", repeats: true, unless: panning, act: () => move(() => queue.move(-1)) },
  { keys: ["PageDown"], shown: ["Page ↓"], text: "a page further", repeats: true, unless: panning, act: () => move(() => queue.move(list.page)) },
  { keys: ["PageUp"], shown: ["Page ↑"], text: "a page back", repeats: true, unless: panning, act: () => move(() => queue.move(-list.page)) },
  { keys: ["Home"], text: "the first", unless: panning, act: () => move(() => queue.move(-Infinity)) },
  { keys: ["End"], text: "the last", unless: panning, act: () => move(() => queue.move(Infinity)) },
  { keys: ["n"], shown: ["N"], text: "the next without your label", repeats: true, act: () => move(() => queue.moveToUnlabelled() || say("All that are shown have your label")) },
  { keys: ["h"], shown: ["H"], text: "heatmap on and off", act: () => detail.toggleHeatmap(!detail.heatmap) },
  { keys: ["+", "="], shown: ["+"], text: "zoom in", repeats: true, act: () => detail.zoomBy(1) },
  { keys: ["-"], text: "zoom out", repeats: true, act: () => detail.zoomBy(-1) },
  { keys: ["0"], text: "the whole photograph", act: () => detail.zoomBy(0) },
  { keys: Object.keys(PANS), shown: ["Shift", "←", "→", "↑", "↓"], text: "move the zoomed photograph", repeats: true, act: (key) => detail.pan(...PANS[key]) },
  ...FILTERS.map((filter, k) => ({ keys: [`${k + 1}`], text: `show: ${filter.text.toLowerCase()}`, act: () => setFilter(filter) })),
  { keys: ["s"], shown: ["S"], text: "the next order", act: () => setOrder(orders[(orders.indexOf(queue.order) + 1) % orders.length]) },
  { keys: ["/"], text: "search by name; Escape goes back", act: () => at("search").focus() },
  { keys: ["d"], shown: ["D"], text: "who labelled it", act: () => (at("history").open = !at("history").open) },
  { keys: ["m"], shown: ["M"], text: "agreement of two people", act: showAgreement },
  { keys: ["e"], shown: ["E"], text: "export", act: exportCorrections },
  { keys: ["a"], shown: ["A"], text: "add files", act: () => files.pick(false) },
  { keys: ["?"], text: "these keys", act: () => at("keys").showModal() },
  { keys: ["Escape"], shown: ["Esc"], text: "close a message", act: () => (at("message").hidden = true) },
]);

at("filters").replaceChildren(...FILTERS.map((filter, k) => {
  const button = document.createElement("button");
  Object.assign(button, { type: "button", onclick: () => setFilter(filter) });
  button.dataset.filter = filter.id;
  button.setAttribute("aria-keyshortcuts", k + 1);
  button.append(`${filter.text} `, document.createElement("output"));
  return button;
}));
at("order").replaceChildren(...orders.map((order) => new Option(order)));
at("order").addEventListener("change", () => {
  setOrder(at("order").value);
  at("rows").focus(); // or letters would choose orders
});
at("search").addEventListener("input", () => {
  queue.search = at("search").value;
  draw();
});
at("reviewer").addEventListener("change", () => setReviewer(at("reviewer").value));
for (const [id, act] of Object.entries({
  real: () => label("real"), fake: () => label("fake"), none: () => label(null), undo,
  export: exportCorrections, agreement: showAgreement, help: () => at("keys").showModal(),
  "pick-files": () => files.pick(false), "pick-folder": () => files.pick(true),
  "zoom-in": () => detail.zoomBy(1), "zoom-out": () => detail.zoomBy(-1), "zoom-fit": () => detail.zoomBy(0),
})) at(id).addEventListener("click", act);
at("heatmap").addEventListener("change", () => detail.toggleHeatmap(at("heatmap").checked));
at("history").addEventListener("toggle", () => at("history").open && detail.drawHistory(reviewer));
at("message").querySelector("button").addEventListener("click", () => (at("message").hidden = true));

const { model, threshold, band, caution } = settings;
const unsure = band ? `, unsure from ${band[0].toFixed(3)} to ${band[1].toFixed(3)}` : "";
document.querySelector(".champion").textContent = `champion ${model}: threshold ${threshold.toFixed(3)}${unsure}`;
at("caution").textContent = caution ?? "";
at("caution").hidden = !caution;
at("reviewer").value = reviewer;
addEventListener("beforeunload", (event) => {
  if (labels.waiting.length || files.sent < files.total) event.preventDefault();
});
new BaseRate(settings.rates);
draw();
watch();
document.documentElement.dataset.ready = "true";
