export default async (url) => {
  const source = new EventSource(url)
  const { data, lastEventId } = await new Promise((resolve) => {
    source.onmessage = resolve
  })
  source.close()
  return [data, lastEventId, source instanceof EventSource, source instanceof Before, EventSource.OPEN]
}
