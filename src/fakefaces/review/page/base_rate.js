// What "called fake" means where fakes are rare: no precision stands without the base rate that it is for.

import { get } from "./server.js";

const at = (id) => document.getElementById(id);
const percent = (share) => `${(100 * share).toFixed(share < 0.1 ? 1 : 0)} %`;

export class BaseRate {
  constructor(rates) {
    this.rates = rates;
    at("one-in").value = localStorage.getItem("one-in") ?? 100;
    at("one-in").addEventListener("change", () => this.draw());
    this.draw();
  }

  async draw() {
    if (!this.rates) {
      at("precision").textContent = "nobody knows here how many of those called fake are: this detector has no evaluation in reports/ at its threshold.";
      return;
    }
    const field = at("one-in");
    if (!field.checkValidity() || !field.value) {
      at("precision").textContent = "write a number from 2 to 1,000,000.";
      return;
    }
    localStorage.setItem("one-in", field.value);
    const { value, interval, reason } = await get("/precision", { one_in: field.value });
    const { recall, fpr, n_fakes, n_reals } = this.rates;
    const measured = `On test images ${percent(recall)} of the fakes (${n_fakes} photographs) and ${percent(fpr)} of the reals (${n_reals}) are called fake.`;
    at("precision").textContent = value === null
      ? `no precision can be told: ${reason}.`
      : `${percent(value)} [${percent(interval[0])}, ${percent(interval[1])}] of those called fake are fake. ${measured}`;
  }
}
