// One end that fetches: {id, url} in; {id, head}, {id, bytes}…, {id, end} or {id, error} out. `transfers` says whether a
// buffer may be given away (a MessagePort) or is copied (a runtime port).
const WINDOW_BYTES = 4 << 20

function serve(port, transfers) {
  const streams = new Map()
  const post = (message, bytes) =>
    transfers && bytes ? port.postMessage(message, [bytes.buffer]) : port.postMessage(message)

  async function carry(id, url) {
    const stream = { consumed: 0, wake: undefined, aborter: new AbortController() }
    streams.set(id, stream)
    try {
      const response = await fetch(url, { signal: stream.aborter.signal })
      post({ id, head: { status: response.status } })
      const reader = response.body.getReader()
      for (let sent = 0; ; ) {
        const { done, value } = await reader.read()
        if (done) break
        sent += value.length
        // A view posted over a port carries its whole buffer.
        const bytes = value.byteLength === value.buffer.byteLength ? value : value.slice()
        post({ id, bytes }, bytes)
        while (sent - stream.consumed > WINDOW_BYTES) {
          await new Promise((resolve) => {
            stream.wake = resolve
          })
        }
      }
      post({ id, end: true })
    } catch (error) {
      post({ id, error: String(error) })
    } finally {
      streams.delete(id)
    }
  }

  return ({ id, url, consumed, abort }) => {
    if (url !== undefined) return void carry(id, url)
    const stream = streams.get(id)
    if (stream === undefined) return
    if (abort) return stream.aborter.abort()
    stream.consumed = consumed
    stream.wake?.()
  }
}
