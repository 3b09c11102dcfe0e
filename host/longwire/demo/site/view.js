// What the visitor sees of a run. No decision is made here.

import { Plot } from "./plot.js";

const $ = (id) => document.getElementById(id);
const MIB = 1024 * 1024;
const number = new Intl.NumberFormat("en");

// Digits that change more often cannot be read.
const FIGURES_MS = 100;

const seconds = (ms) => `${(ms / 1000).toFixed(1)} s`;

/** What stands in backticks. */
const code = (words) => Object.assign(document.createElement("code"), { textContent: words });

export class View {
  plot = new Plot($("plot"));
  #text = document.createTextNode("");
  #started = 0;
  #events = 0;
  #ticking = false;
  #textMs = null;
  #received = null;

  constructor({ onStop, onAgain }) {
    $("text").append(this.#text);
    $("stop").addEventListener("click", onStop);
    $("again").addEventListener("click", onAgain);
  }

  /** Everything as before the first run. */
  begin() {
    this.plot.clear();
    this.#text.data = "";
    this.#events = 0;
    this.#textMs = null;
    this.#received = null;
    this.clock();
    for (const id of ["first", "elapsed", "rate", "events", "received", "download-rate", "digest", "got", "searched"]) {
      $(id).textContent = "–";
      $(id).className = "";
    }
    $("bar").value = 0;
    $("plot-note").textContent = "\u00a0";
    $("plot").setAttribute("aria-label", "Nothing has arrived yet.");
    this.state("streaming", "asking");
    this.#part("download-state", "", "starts once the answer flows");
    this.verdict("open", "Running.");
    this.#running(true);
  }

  /** Times are shown from here. */
  clock() {
    this.#started = performance.now();
  }

  get elapsedMs() {
    return performance.now() - this.#started;
  }

  get text() {
    return this.#text.data;
  }

  get events() {
    return this.#events;
  }

  ownFetch(outcome) {
    $("own-fetch").textContent = outcome === "refused" ? "refused by the browser (CORS)" : `not refused: ${outcome}`;
    $("own-fetch").className = outcome === "refused" ? "" : "bad";
  }

  state(state, words) {
    this.#part("state", state, words);
  }

  /** The server answers, so it got the key. */
  headers() {
    this.state("streaming", "headers are here");
    $("got").replaceChildren($("masked-key").content.cloneNode(true));
  }

  delta(words) {
    if (this.#events === 0) {
      $("first").textContent = `${number.format(Math.round(this.elapsedMs))} ms`;
      this.state("streaming", "streaming");
    }
    this.#events += 1;
    this.#text.appendData(words);
    this.plot.mark(this.elapsedMs / 1000);
  }

  /** The text is whole; its figures stand still from here. */
  textWhole() {
    this.#textMs = this.elapsedMs;
    this.state("whole", "complete");
    $("text").setAttribute("aria-busy", "false");
  }

  bytes(received, size, downloadSeconds) {
    this.plot.bytes(received, this.elapsedMs / 1000);
    this.#received = { received, size, downloadSeconds };
  }

  /** The download ended; `equal` says whether its digest is the announced one. */
  digest(hex, equal) {
    this.#figures();
    $("digest").textContent = equal ? `✓ ${hex.slice(0, 8)}…` : "✗ differs";
    $("digest").title = hex;
    $("digest").className = equal ? "good" : "bad";
    this.#part("download-state", equal ? "whole" : "failed", equal ? "complete, digest as announced" : "digest differs");
  }

  searched(strings, characters, found) {
    $("searched").textContent = found
      ? "it is in this page"
      : `not in ${number.format(strings)} strings, ${number.format(characters)} characters`;
    $("searched").className = found ? "bad" : "good";
  }

  /** The run is over, one way or another. */
  end(state, words) {
    this.#running(false);
    this.#figures();
    this.plot.flush();
    this.state(state, words);
    if (state !== "whole") this.#leaveDownload();
    const { during, otherwise } = this.plot.gaps();
    if (state === "whole") {
      $("plot-note").textContent =
        `Longest pause between two events: ${during.toFixed(0)} ms beside the download, ${otherwise.toFixed(0)} ms without.`;
    }
    $("plot").setAttribute("aria-label", `${this.#events} events of text arrived. ${$("plot-note").textContent}`);
  }

  verdict(kind, words) {
    $("verdict").dataset.verdict = kind;
    $("verdict").replaceChildren(...words.split("`").map((part, i) => (i % 2 ? code(part) : part)));
  }

  #leaveDownload() {
    if ($("bar").value > 0 && $("bar").value < 1) this.#part("download-state", "stopped", "cut short");
    else if ($("bar").value === 0) this.#part("download-state", "", "did not start");
  }

  #part(id, state, words) {
    $(id).dataset.state = state;
    $(id).textContent = words;
  }

  #running(running) {
    $("stop").disabled = !running;
    $("again").disabled = running;
    $("text").setAttribute("aria-busy", String(running));
    document.body.toggleAttribute("data-running", running);
    if (running && !this.#ticking) this.#tick();
    this.#ticking = running;
  }

  #tick() {
    setTimeout(() => {
      if (!this.#ticking) return;
      this.#figures();
      this.#tick();
    }, FIGURES_MS);
  }

  #figures() {
    const elapsedMs = this.#textMs ?? this.elapsedMs;
    $("elapsed").textContent = seconds(elapsedMs);
    if (this.#events > 0) {
      $("events").textContent = number.format(this.#events);
      $("rate").textContent = `${(this.#events / (elapsedMs / 1000)).toFixed(0)} / s`;
    }
    if (this.#received) {
      const { received, size, downloadSeconds } = this.#received;
      $("bar").value = received / size;
      $("received").textContent = `${(received / MIB).toFixed(1)} MiB`;
      $("download-rate").textContent = `${(received / 1e6 / Math.max(downloadSeconds, 0.001)).toFixed(0)} MB/s`;
      if (received < size) this.#part("download-state", "streaming", `of ${(size / MIB).toFixed(0)} MiB`);
    }
  }
}

/** When what was changed has been drawn. */
export const drawn = () => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
