const later = setTimeout
for (const name of [
  'AbortController',
  'DOMException',
  'Date',
  'Error',
  'Event',
  'EventTarget',
  'FinalizationRegistry',
  'Headers',
  'Map',
  'MessageEvent',
  'Promise',
  'ReadableStream',
  'Request',
  'Response',
  'Set',
  'TextDecoder',
  'TextEncoder',
  'TypeError',
  'URL',
  'Uint8Array',
  'WeakRef',
  'fetch',
  'setTimeout',
  'clearTimeout',
  'requestAnimationFrame',
  'cancelAnimationFrame',
  'performance'
]) {
  Object.defineProperty(window, name, {
    configurable: true,
    value: function () {
      throw `trapped in ${name}`
    }
  })
}
for (const member of [
  'headers',
  'method',
  'body',
  'signal',
  'fetch',
  'token',
  'retry',
  'format',
  'cause',
  'status',
  'error',
  'type',
  'id',
  'data'
]) {
  Object.defineProperty(Object.prototype, member, {
    configurable: true,
    get() {
      return undefined
    },
    set() {}
  })
}
for (const [owner, names] of [
  [JSON, ['parse', 'stringify']],
  [Math, ['min', 'max', 'ceil']],
  [Array, ['from', 'isArray']],
  [Object, ['assign', 'entries', 'hasOwn', 'keys', 'defineProperty', 'freeze']],
  [Number, ['isNaN']]
]) {
  for (const name of names)
    owner[name] = () => {
      throw `trapped in ${name}`
    }
}
