// The two streams of the demo, read as any page would read a fetch.

// As SDKs do where the key is elsewhere: they send something. The host replaces it.
const DUMMY = "Bearer a-dummy-as-SDKs-send-it";

/** The chat's request; also what the browser's own fetch is tried with. */
export const chatRequest = () => ({
  method: "POST",
  headers: { "content-type": "application/json", authorization: DUMMY },
  body: JSON.stringify({ stream: true }),
});

const expectOk = (response) => {
  if (response.status !== 200) throw new Error(`the upstream answered ${response.status}`);
};

/** SHA-256 in hex. */
async function sha256(bytes) {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex();
}

/** Streams the chat. `onDelta(text, bytes)` is called for every event, `onHeaders(response)` once. */
export async function streamChat(url, { signal, onHeaders, onDelta }) {
  const started = performance.now();
  const response = await longwire.fetch(url, { ...chatRequest(), signal });
  expectOk(response);
  onHeaders(response);
  const decoder = new TextDecoder();
  const pieces = [];
  let buffer = "";
  let bytes = 0;
  let firstTextMs = null;
  let last = null;
  let longestGapMs = 0;
  for await (const piece of response.body) {
    pieces.push(piece.slice());
    bytes += piece.length;
    buffer += decoder.decode(piece, { stream: true });
    // This upstream writes one `data:` line an event; a page should use a parser (the page library brings one).
    const events = buffer.split("\n\n");
    buffer = events.pop();
    for (const event of events) {
      const data = event.replace(/^data: /, "");
      if (data === "[DONE]") continue;
      const now = performance.now();
      firstTextMs ??= now - started;
      if (last !== null) longestGapMs = Math.max(longestGapMs, now - last);
      last = now;
      onDelta(JSON.parse(data).choices[0].delta.content, bytes);
    }
  }
  const totalMs = performance.now() - started;
  const body = new Uint8Array(await new Blob(pieces).arrayBuffer());
  return { response, body, bytes: body.length, digest: await sha256(body), firstTextMs, totalMs, longestGapMs };
}

/** Downloads `size` bytes into memory. `onBytes(received, seconds)` is called for every chunk. */
export async function download(url, size, { signal, onBytes }) {
  const started = performance.now();
  const response = await longwire.fetch(url, { headers: { authorization: DUMMY }, signal });
  expectOk(response);
  const body = new Uint8Array(size);
  let received = 0;
  for await (const piece of response.body) {
    if (received + piece.length > size) throw new Error(`more than the expected ${size} bytes arrived`);
    body.set(piece, received);
    received += piece.length;
    onBytes(received, (performance.now() - started) / 1000);
  }
  const totalMs = performance.now() - started;
  const digest = await sha256(body.subarray(0, received));
  return { bytes: received, digest, announced: announcedDigest(response), totalMs };
}

/** The SHA-256 of a Repr-Digest header (RFC 9530) in hex, or null. */
function announcedDigest(response) {
  const match = /(?:^|[\s,])sha-256=:([^:]+):/.exec(response.headers.get("repr-digest") ?? "");
  return match && Uint8Array.fromBase64(match[1]).toHex();
}
