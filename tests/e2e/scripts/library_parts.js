export default async ([feed, text]) => {
  const source = new longwire.EventSource(feed)
  const data = await new Promise((resolve) => {
    source.onmessage = (event) => resolve(event.data)
  })
  source.close()
  const { status } = await longwire.checkConnection(text)
  let bytes = 0
  const response = await longwire.fetch(text)
  const body = longwire.downloading(response, (progress) => {
    bytes = progress.bytes
  })
  const body_text = await new Response(body).text()
  const events = []
  for await (const event of longwire.events(new Request(text))) events.push(event.data.method)
  const failed = await longwire
    .stream('https://elsewhere.test/')
    .readToCompletion()
    .catch((error) => error)
  return {
    data,
    status,
    whole: bytes === body_text.length,
    events,
    typed: failed instanceof longwire.StreamError,
    code: failed.code
  }
}
