// The keys of the page, as the help lists them and as they work.

const WRITING = "input:not([type=checkbox]), select, textarea";

export class Keys {
  // ``actions`` are lists of names of keys, what they do in words, and a function; ``repeats`` where holding one goes on.
  constructor(actions) {
    this.actions = new Map(actions.flatMap((action) => action.keys.map((key) => [key, action])));
    const rows = actions.map(({ keys, shown, text }) => {
      const row = document.createElement("tr");
      const [names, words] = [document.createElement("th"), document.createElement("td")];
      names.scope = "row";
      names.append(...(shown ?? keys).flatMap((key) => [Object.assign(document.createElement("kbd"), { textContent: key }), " "]));
      words.textContent = text;
      row.append(names, words);
      return row;
    });
    document.querySelector("#keys tbody").replaceChildren(...rows);
    this.on = document.getElementById("keys-on");
    this.on.checked = localStorage.getItem("keys") !== "off";
    this.on.addEventListener("change", () => localStorage.setItem("keys", this.on.checked ? "on" : "off"));
    document.addEventListener("keydown", (event) => this.press(event));
  }

  press(event) {
    const undo = (event.ctrlKey || event.metaKey) && event.key === "z";
    if (event.target.matches(WRITING)) {
      if (event.key === "Escape" || event.key === "Enter") document.getElementById("rows").focus();
      return;
    }
    if ((!undo && (event.ctrlKey || event.metaKey)) || event.altKey || document.querySelector("dialog[open]")) return;
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    const name = event.shiftKey && key.startsWith("Arrow") ? `Shift ${key}` : key;
    const action = this.actions.get(name);
    if (!action || (key.length === 1 && !this.on.checked && key !== "?")) return;
    if (event.repeat && !action.repeats) return; // a label of the next photograph must not come from a held key
    if (action.unless?.(event)) return;
    event.preventDefault();
    action.act(name);
  }
}
