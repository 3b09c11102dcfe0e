const { apply, ownKeys, getOwnPropertyDescriptor, defineProperty } = Reflect
for (const { prototype } of [
  Array,
  String,
  Map,
  Set,
  Promise,
  EventTarget,
  Headers,
  ReadableStream,
  Response,
  RegExp,
  ReadableStreamDefaultReader,
  AbortController,
  AbortSignal,
  TextDecoder,
  URL,
  Uint8Array,
  Function
]) {
  for (const key of ownKeys(prototype)) {
    const { value, configurable, writable } = getOwnPropertyDescriptor(prototype, key)
    if (typeof value !== 'function' || key === 'constructor' || !configurable || !writable) continue
    const replaced = function (...given) {
      return apply(value, this, given)
    }
    defineProperty(prototype, key, { configurable: true, writable: true, value: replaced })
  }
}
