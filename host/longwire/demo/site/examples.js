// The examples' page: a button runs the file that the docs quote, as it stands.

const NOISE_BLOCKS = 384; // of 64 KiB
const MAX_DIGESTED_BYTES = 256 * 1024 * 1024; // it has to be in memory for that
const $ = (id) => document.getElementById(id);
let runs = 0;

for (const card of document.querySelectorAll("[data-example]")) {
  const [run, stop] = [".run", ".stop"].map((part) => card.querySelector(part));
  // Not `disabled`, which would take the focus from under a keyboard.
  const running = (is) => {
    run.setAttribute("aria-disabled", String(is));
    stop?.setAttribute("aria-disabled", String(!is));
    card.dataset.state = is ? "running" : "";
  };
  run.addEventListener("click", async () => {
    if (run.ariaDisabled === "true") return;
    running(true);
    const failure = await runExample(card);
    running(false);
    if (failure) {
      card.dataset.state = "failed";
      card.querySelector(".status").textContent = reasonOf(failure).message;
    }
  });
}

/** Who could not connect knows only that; the socket said why. */
const reasonOf = (failure) => (failure.code === "CONNECTION_FAILED" && failure.cause) || failure;

/** Gives what it threw. */
async function runExample(card) {
  const { example } = card.dataset;
  const status = card.querySelector(".status");
  for (const bar of card.querySelectorAll("progress")) bar.value = 0;
  status.textContent = "";
  try {
    // A module runs once; as another one it runs again.
    await import(`/examples/${example}.js?run=${++runs}`);
    if (example === "upload") status.append(await ownDigestIsIn(status.textContent));
  } catch (error) {
    return error;
  }
}

async function ownDigestIsIn(text) {
  const file = $("file").files[0] ?? new Blob();
  if (file.size > MAX_DIGESTED_BYTES) return "";
  const digest = await crypto.subtle.digest("SHA-256", await file.arrayBuffer());
  return text.includes(new Uint8Array(digest).toHex()) ? ", and so has this page" : ", and this page another";
}

/** So that nobody has to look for a file. */
function noise() {
  const block = crypto.getRandomValues(new Uint8Array(65_536)); // no call gives more
  const files = new DataTransfer();
  files.items.add(new File(Array(NOISE_BLOCKS).fill(block), "24-MiB-of-noise.bin"));
  return files.files;
}

/** What outlived the page goes on by itself. */
async function goOn() {
  for (const { key } of (await window.longwire?.durable?.list()) ?? []) {
    document.querySelector(`[data-key="${CSS.escape(key)}"] .run`)?.click();
  }
}

// Without a grant there is nothing that could.
goOn().catch(() => {});
$("reload").addEventListener("click", () => location.reload());

// What is said goes over a socket and loads no page, whether one is open or not.
$("say").addEventListener("submit", (event) => event.preventDefault());
$("missing").hidden = Boolean(window.longwire);
$("file").files = noise();
