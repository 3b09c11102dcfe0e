// What the page tells the demo's own server, so that a terminal can show it and judge it.

/** POST `value` to `path`; gives the server's answer. */
export async function report(path, value = {}) {
  const response = await fetch(path, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(value),
  });
  return response.json();
}

/** Reports of words, in order, as many at once as arrived while the last report was under way. */
export class WordReports {
  #waiting = [];
  #sent = Promise.resolve();

  add(delta) {
    this.#waiting.push(delta);
    this.#sent = this.#sent.then(async () => {
      if (this.#waiting.length > 0) await report("/events", this.#waiting.splice(0));
    });
  }

  /** When everything was told. */
  whole() {
    return this.#sent;
  }
}

const PROGRESS_EVERY_MS = 200;

/** Reports of a download's progress, a few a second; what comes in between is left out. */
export class ProgressReports {
  #last = 0;

  add(received, seconds) {
    const now = performance.now();
    if (now - this.#last < PROGRESS_EVERY_MS) return;
    this.#last = now;
    report("/progress", { received, seconds });
  }
}
