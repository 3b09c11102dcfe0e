// What a curious script could read: the search for the key looks through all of it.

const MAX_DEPTH = 4;
const MAX_OBJECTS = 50_000;
const MAX_CHARACTERS = 3_000_000;

/**
 * All text that script in this page can reach without guessing: the responses, the document, storage, and every
 * property of every object that hangs on the window. `seenWhole` is false if a limit cut the search short.
 */
export function everythingVisible(response, body) {
  const seen = new Set([
    response.url, response.statusText, ...[...response.headers].flat(), body,
    document.documentElement.outerHTML, document.cookie,
    ...Object.values(localStorage), ...Object.values(sessionStorage),
    ...performance.getEntries().map((entry) => entry.name),
  ]);
  const visited = new Set();
  const walk = (value, depth) => {
    if (typeof value === "string") seen.add(value);
    if (typeof value === "function") seen.add(Function.prototype.toString.call(value));
    if (value === null || (typeof value !== "object" && typeof value !== "function")) return;
    if (depth > MAX_DEPTH || visited.has(value) || visited.size > MAX_OBJECTS) return;
    visited.add(value);
    if (value instanceof Promise) value.catch(() => {}); // a getter called on a prototype refuses in this way too
    if (ArrayBuffer.isView(value)) return; // the bodies, which are searched as text
    for (const key of Reflect.ownKeys(value)) {
      seen.add(String(key));
      try {
        walk(value[key], depth + 1);
      } catch {
        // a getter that refuses shows nothing
      }
    }
  };
  for (const root of [longwire, response, window]) walk(root, 0);
  const text = [...seen].join("\n");
  return {
    seen: text.slice(0, MAX_CHARACTERS),
    seenWhole: text.length <= MAX_CHARACTERS && visited.size <= MAX_OBJECTS,
    strings: seen.size,
    characters: text.length,
  };
}
