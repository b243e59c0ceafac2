// Tables that sort by a click on a title and are saved as CSV, and the explanations of terms.
function value(cell) {
  const text = cell.textContent.trim();
  const number = text.match(/^[<≤]?\s*([+−-]?[\d.,]+)/);
  return number ? parseFloat(number[1].replace("−", "-").replaceAll(",", "")) : text;
}

function compare(a, b) {
  if (typeof a === typeof b) return typeof a === "number" ? a - b : a.localeCompare(b);
  return typeof a === "number" ? -1 : 1;
}

function sortBy(table, column) {
  const heading = table.tHead.rows[0].cells[column];
  const descending = heading.getAttribute("aria-sort") === "ascending";
  for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
  heading.setAttribute("aria-sort", descending ? "descending" : "ascending");
  const missing = (row) => row.cells[column].textContent.trim() === "–";
  const rows = [...table.tBodies[0].rows].sort((p, q) => {
    if (missing(p) !== missing(q)) return missing(p) ? 1 : -1; // what is unknown stays at the end
    const order = compare(value(p.cells[column]), value(q.cells[column]));
    return descending ? -order : order;
  });
  table.tBodies[0].append(...rows);
}

// A spreadsheet runs what begins with one of these, so an apostrophe goes before it unless it is a number.
function quoted(text) {
  const safe = /^[=+\-@\t\r]/.test(text) && !/^[+-][\d.]+$/.test(text) ? `'${text}` : text;
  return /[",\n\r]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

function csv(table) {
  const titles = [...table.tHead.rows[0].cells].map((cell) => cell.querySelector(".sort").textContent);
  const rows = [...table.tBodies[0].rows].map((row) => [...row.cells].map((cell) => cell.textContent.trim()));
  const bounded = /^(\S+) \[(\S+),\s(\S+)\]$/;
  const wide = titles.map((_, k) => rows.some((row) => bounded.test(row[k])));
  const spread = (row) => row.flatMap((cell, k) => (wide[k] ? (cell.match(bounded)?.slice(1) ?? [cell, "", ""]) : [cell]));
  const header = titles.flatMap((title, k) => (wide[k] ? [title, `${title} low`, `${title} high`] : [title]));
  const plain = (cell) => (cell === "–" ? "" : cell.replace(/^−(?=\d)/, "-"));
  return [header, ...rows.map(spread)].map((row) => row.map((cell) => quoted(plain(cell))).join(",")).join("\r\n") + "\r\n";
}

for (const table of document.querySelectorAll("table.sortable")) {
  table.querySelectorAll(".sort").forEach((button, column) => button.addEventListener("click", () => sortBy(table, column)));
  const save = table.closest(".sheet").querySelector(".csv");
  save.setAttribute("aria-label", `Save as CSV: ${table.caption.textContent}`);
  save.addEventListener("click", () => {
    const url = URL.createObjectURL(new Blob(["\ufeff", csv(table)], { type: "text/csv" }));
    element("a", { href: url, download: `${table.caption.textContent.toLowerCase().replace(/[^a-z0-9]+/g, "-")}.csv` }).click();
    setTimeout(() => URL.revokeObjectURL(url), 1000);
  });
}

// An explanation opens below the button that asks for it.
for (const button of document.querySelectorAll(".what")) {
  const explained = byId(button.getAttribute("popovertarget"));
  button.addEventListener("click", () => {
    const { left, bottom } = button.getBoundingClientRect();
    const width = Math.min(352, window.innerWidth - 16);
    explained.style.width = `${width}px`;
    explained.style.left = `${Math.max(8, Math.min(left, window.innerWidth - width - 8))}px`;
    explained.style.top = `${Math.min(bottom + 4, window.innerHeight - 140)}px`;
  });
}

// On paper nothing can be opened.
let closed = [];
window.addEventListener("beforeprint", () => {
  closed = [...document.querySelectorAll("details:not([open]):not(.long)")];
  for (const details of closed) details.open = true;
});
window.addEventListener("afterprint", () => {
  for (const details of closed) details.open = false;
});
