// Labels on their way to the server, one after the other. What the server does not take yet waits, and is sent again.

import { post, Refused } from "./server.js";

const AGAIN = 1000; // milliseconds

export class Labels {
  constructor(onTrouble) {
    this.waiting = [];
    this.onTrouble = onTrouble;
  }

  // Do a thing in its turn, such as a label's sending. ``refused`` gets the sentence where the server refuses it.
  add(path, body, done, refused) {
    this.waiting.push({ path, body, done, refused });
    if (this.waiting.length === 1) this.send();
  }

  async send() {
    while (this.waiting.length) {
      const { path, body, done, refused } = this.waiting[0];
      try {
        const answer = await post(path, body);
        this.waiting.shift();
        this.onTrouble("");
        done(answer);
      } catch (error) {
        if (error instanceof Refused) {
          this.waiting.shift();
          refused(error.message);
        } else {
          const n = this.waiting.length;
          this.onTrouble(`The server does not answer: ${n} label${n > 1 ? "s are" : " is"} not kept yet. Start it again.`);
          await new Promise((resume) => setTimeout(resume, AGAIN));
        }
      }
    }
  }
}
