// The demo's page: one run after loading, and as many more as the visitor likes.

import { ProgressReports, report, WordReports } from "./report.js";
import { chatRequest, download, streamChat } from "./streams.js";
import { drawn, View } from "./view.js";
import { everythingVisible } from "./visible.js";

const { chat: CHAT, download: DOWNLOAD, size } = document.documentElement.dataset;
const SIZE = Number(size);
const DOWNLOAD_FROM_EVENT = 40;
const RELOAD_MS = 500;

let running = null;
const view = new View({ onStop: () => running?.abort(), onAgain: () => run() });

async function run() {
  running = new AbortController();
  const { signal } = running;
  view.begin();
  await report("/start");
  try {
    // What the browser itself makes of the same call. It must be refused, or the demo would show nothing.
    const ownFetch = await fetch(CHAT, chatRequest()).then((response) => `status ${response.status}`, () => "refused");
    view.ownFetch(ownFetch);
    // The browser starts the host on the first question: that is its time. Longwire's is measured from here.
    await bridgeStatus();
    view.clock();
    const [text, file] = await bothStreams(signal);
    await finish(ownFetch, text, file);
  } catch (error) {
    if (signal.aborted) await stopped();
    else await failed(error);
    running.abort(); // the other stream has no reader any more
  }
  await drawn();
  await report("/shown");
}

/** The text, and the download beside it as soon as the text is well under way. */
async function bothStreams(signal) {
  const words = new WordReports();
  const progress = new ProgressReports();
  const file = Promise.withResolvers();
  file.promise.catch(() => {}); // it is awaited below, unless the text fails first
  let begun = false;
  const startDownload = () => {
    begun = true;
    const onBytes = (received, seconds) => {
      view.bytes(received, SIZE, seconds);
      progress.add(received, seconds);
    };
    download(DOWNLOAD, SIZE, { signal, onBytes }).then((done) => {
      view.digest(done.digest, done.digest === done.announced);
      file.resolve(done);
    }, file.reject);
  };
  const text = await streamChat(CHAT, {
    signal,
    onHeaders: () => view.headers(),
    onDelta: (delta) => {
      view.delta(delta);
      words.add(delta);
      if (!begun && view.events >= DOWNLOAD_FROM_EVENT) startDownload();
    },
  });
  await words.whole();
  view.textWhole();
  if (!begun) startDownload();
  return [text, await file.promise];
}

async function finish(ownFetch, text, file) {
  const { response, body, ...figures } = text;
  const visible = everythingVisible(response, new TextDecoder().decode(body));
  const { ok, reason, keySeen } = await report("/done", {
    ownFetch,
    text: { ...figures, text: view.text },
    download: { bytes: file.bytes, digest: file.digest, totalMs: file.totalMs },
    seen: visible.seen,
    seenWhole: visible.seenWhole,
  });
  view.end("whole", "complete");
  view.searched(visible.strings, visible.characters, keySeen);
  if (ok) view.verdict("good", "Every byte arrived, both digests are equal, and this page never saw the key.");
  else view.verdict("bad", `Not good: ${reason}.`);
}

async function stopped() {
  view.end("stopped", "stopped; the partial text is kept");
  const { closedMs } = await report("/stopped", { events: view.events });
  const noticed = closedMs === null ? "The server has not noticed yet." : `The server noticed within ${Math.ceil(closedMs)} ms.`;
  view.verdict("stopped", `Stopped after ${view.events} events. ${noticed}`);
}

async function failed(error) {
  const code = error.code ?? error.name;
  view.end("failed", "failed");
  const status = await bridgeStatus();
  const { reason, fix } = await report("/failed", { code, message: error.message, status });
  view.verdict("bad", fix && fix !== reason ? `${reason}\nFix: ${fix}` : reason);
}

/** How things stand, once the host has answered; undefined where nobody can say. */
async function bridgeStatus() {
  let status;
  do status = await longwire.status().catch(() => undefined);
  while (status?.state === "starting");
  return status;
}

// Who follows a link in the middle of a run has ended it, and nobody need wait for its end.
addEventListener("pagehide", () => {
  if (!document.body.hasAttribute("data-running")) return;
  navigator.sendBeacon("/stopped", JSON.stringify({ events: view.events }));
});

// An extension that is still loading when the page is has put nothing here yet.
if (window.longwire) {
  await run();
} else {
  await report("/without-longwire");
  setTimeout(() => location.reload(), RELOAD_MS);
}
