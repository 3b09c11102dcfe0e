export default async (url) => {
  let source
  const body = new ReadableStream({
    start(controller) {
      source = controller
    }
  })
  source.enqueue(new Uint8Array(1000))
  const response = await longwire.fetch(url, { method: 'POST', body, duplex: 'half' })
  source.error(new RangeError('the source broke'))
  return outcome(response.text())
}
