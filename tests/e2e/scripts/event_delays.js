export default async ({ url, through }) => {
  const call = through === 'longwire' ? longwire.fetch : fetch
  const response = await call(url)
  const ids = []
  const delays = []
  let rest = ''
  for await (const text of response.body.pipeThrough(new TextDecoderStream())) {
    const now = performance.timeOrigin + performance.now()
    const events = (rest + text).split('\n\n')
    rest = events.pop()
    for (const event of events) {
      ids.push(Number(event.match(/^id: (.*)$/m)[1]))
      delays.push(now - Number(event.match(/^data: (.*)$/m)[1]))
    }
  }
  return { ids, delays }
}
