// The table of the agreement of two people.

import { get } from "./server.js";

export async function drawAgreement() {
  const pairs = await get("/agreement");
  const table = document.querySelector("#people table");
  table.hidden = !pairs.length;
  document.querySelector("#people .nobody").hidden = pairs.length > 0;
  table.tBodies[0].replaceChildren(...pairs.map(({ people, n, same, kappa, low, high }) => {
    const row = document.createElement("tr");
    const interval = kappa === null ? "undefined: one label only" : `${kappa.toFixed(2)} [${low.toFixed(2)}, ${high.toFixed(2)}]`;
    row.append(...[people.join(" and "), n, `${same} of ${n}`, interval].map((text) => (
      Object.assign(document.createElement("td"), { textContent: text }))));
    return row;
  }));
}
