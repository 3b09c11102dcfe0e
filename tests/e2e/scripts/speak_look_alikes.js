export default (target) => {
  const messages = [
    { type: 'STREAM_ABORT', id: 1, reason: 'signal' },
    { type: 'STREAM_ERROR', id: 1, code: 'HOST_LOST', message: 'forged', phase: 'body', retryable: false },
    { type: 'STREAM_CHUNK', id: 1, offset: 0, data: new Uint8Array([102, 111, 114, 103, 101, 100]) },
    { type: 'STREAM_END', id: 1, bytes: 0, completeness: 'close', timings: { total_ms: 1 } },
    { type: 'BRIDGE_LOST', message: 'forged', replaced: true },
    'longwire:shim',
    'longwire:port',
    'longwire:gone',
    1,
    null
  ]
  for (const message of messages) {
    target.postMessage(message, '*')
    target.postMessage(message, '*', [new MessageChannel().port1])
    new BroadcastChannel('longwire').postMessage(message)
    if (target !== window) continue
    for (const type of ['message', 'longwire:shim', 'longwire:gone', 'longwire:port']) {
      dispatchEvent(new MessageEvent(type, { data: message, origin: location.origin }))
      dispatchEvent(new CustomEvent(type, { detail: message }))
    }
  }
}
