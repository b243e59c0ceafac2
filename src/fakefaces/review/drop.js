// Photographs that are dropped or chosen, folders too, are sent to the page's own server one by one.
(() => {
  const AT_ONCE = 4;

  async function send(files) {
    const waiting = [...files].filter(([name]) => !name.split("/").at(-1).startsWith("."));
    const sender = async () => {
      for (let next = waiting.shift(); next; next = waiting.shift()) {
        const [name, file] = next;
        await fetch(`/files?name=${encodeURIComponent(name)}`, { method: "POST", body: file });
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, sender));
  }

  async function inside(entry) {
    if (entry.isFile) {
      const file = await new Promise((take, fail) => entry.file(take, fail));
      return [[entry.fullPath.replace(/^\//, ""), file]];
    }
    const reader = entry.createReader();
    const found = [];
    // A reader gives a hundred entries at a time, and none at the end.
    for (let some; (some = await new Promise((take, fail) => reader.readEntries(take, fail))).length; ) found.push(...some);
    return (await Promise.all(found.map(inside))).flat();
  }

  window.pick = (kind) => {
    const input = document.createElement("input");
    Object.assign(input, { type: "file", multiple: true, webkitdirectory: kind === "folder" });
    input.addEventListener("change", () => send([...input.files].map((file) => [file.webkitRelativePath || file.name, file])));
    input.click();
  };

  document.addEventListener("dragover", (event) => {
    event.preventDefault();
    document.getElementById("drop")?.classList.add("over");
  });
  document.addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) document.getElementById("drop")?.classList.remove("over");
  });
  document.addEventListener("drop", async (event) => {
    event.preventDefault();
    document.getElementById("drop")?.classList.remove("over");
    const { items, files } = event.dataTransfer;
    const entries = [...items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
    if (entries.length) await send((await Promise.all(entries.map(inside))).flat());
    else await send([...files].map((file) => [file.name, file]));
  });
})();
