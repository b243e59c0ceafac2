// Photographs that are dropped or chosen, folders too, are sent to the page's own server one by one.

import { Refused, upload } from "./server.js";

const AT_ONCE = 4;

export class Files {
  constructor(onProgress) {
    this.onProgress = onProgress;
    this.total = this.sent = 0;
    this.failed = [];
    const drop = document.getElementById("drop");
    document.addEventListener("dragover", (event) => {
      event.preventDefault();
      drop.classList.add("over");
    });
    document.addEventListener("dragleave", (event) => {
      if (!event.relatedTarget) drop.classList.remove("over");
    });
    document.addEventListener("drop", (event) => {
      event.preventDefault();
      drop.classList.remove("over");
      this.take(event.dataTransfer);
    });
  }

  async take({ items, files }) {
    const entries = [...items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
    if (entries.length) await this.send((await Promise.all(entries.map((entry) => this.inside(entry)))).flat());
    else await this.send([...files].map((file) => [file.name, file]));
  }

  pick(folder) {
    const input = document.createElement("input");
    Object.assign(input, { type: "file", multiple: true, webkitdirectory: folder });
    input.addEventListener("change", () => this.send([...input.files].map((file) => [file.webkitRelativePath || file.name, file])));
    input.click();
  }

  async send(files) {
    const waiting = files.filter(([name]) => !name.split("/").at(-1).startsWith("."));
    let next = 0;
    this.total += waiting.length;
    const sender = async () => {
      while (next < waiting.length) {
        const [name, file] = waiting[next++];
        try {
          await upload(name, file);
        } catch (error) {
          // What the server refuses it lists itself.
          if (!(error instanceof Refused)) this.failed.push([name, "it could not be read, or the server does not answer"]);
        }
        this.sent += 1;
        this.onProgress();
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, sender));
  }

  async inside(entry) {
    const path = entry.fullPath.replace(/^\//, "");
    try {
      if (entry.isFile) return [[path, await new Promise((take, fail) => entry.file(take, fail))]];
      const reader = entry.createReader();
      const found = [];
      // A reader gives a hundred entries at a time, and none at the end.
      for (let some; (some = await new Promise((take, fail) => reader.readEntries(take, fail))).length; ) found.push(...some);
      return (await Promise.all(found.map((one) => this.inside(one)))).flat();
    } catch (error) {
      this.failed.push([path, `it could not be read (${error.message})`]);
      return [];
    }
  }
}
