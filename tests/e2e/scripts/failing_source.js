export default (url) => {
  let pulls = 0
  const body = new ReadableStream({
    pull(controller) {
      if (pulls++ < 3) controller.enqueue(new Uint8Array(1000))
      else controller.error(new RangeError('the source broke'))
    }
  })
  const init = { method: 'POST', body, duplex: 'half' }
  return longwire.fetch(url, init).then(null, (e) => ({ ...describeError(e), cause: String(e.cause) }))
}
