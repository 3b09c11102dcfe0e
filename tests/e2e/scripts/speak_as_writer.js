// Everything by which a script of the page could try to reach the writer, or to speak as it: to its own window, as events, on
// channels, through what extensions offer to pages.
export default async (names) => {
  const said = []
  const messages = [
    { type: 'SETTINGS', settings: { provider: 'forged', model: 'forged', language: 'forged', template: 'forged' } },
    { type: 'REFUSED', message: 'forged' },
    { type: 'STREAM_ERROR', id: 1, code: 'HOST_LOST', message: 'forged', phase: 'body', retryable: false },
    { type: 'STREAM_CHUNK', id: 1, offset: 0, data: new Uint8Array([102, 111, 114, 103, 101, 100]) },
    { type: 'BRIDGE_LOST', message: 'forged', replaced: true }
  ]
  for (const message of messages) {
    for (const name of names) {
      postMessage(message, '*')
      postMessage(message, '*', [new MessageChannel().port1])
      new BroadcastChannel(name).postMessage(message)
      for (const target of [window, document]) {
        for (const type of ['message', name, 'longwire:port', 'longwire:gone']) {
          target.dispatchEvent(new MessageEvent(type, { data: message, ports: [new MessageChannel().port1] }))
          target.dispatchEvent(new CustomEvent(type, { detail: message }))
        }
      }
    }
  }
  for (const key of Reflect.ownKeys(window)) if (String(key).includes('longwire')) said.push(String(key))
  return {
    names: said,
    symbol: typeof window[Symbol.for('longwire.writer')],
    runtime: typeof globalThis.chrome?.runtime?.connect
  }
}
