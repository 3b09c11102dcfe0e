export default (url) => {
  window.aborter = new AbortController()
  window.cancelled = new Promise((resolve) => {
    const body = new ReadableStream({
      pull: (controller) => controller.enqueue(new Uint8Array(100_000)),
      cancel: resolve
    })
    const asked = longwire.fetch(url, { method: 'POST', body, duplex: 'half', signal: aborter.signal })
    asked.catch(() => undefined)
    window.ending = () => asked
  })
}
