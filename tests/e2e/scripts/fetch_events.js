// The events of an event stream, by the browser's own fetch, each with when it came.
export default async (url) => {
  const began = performance.now()
  const response = await fetch(url)
  const decoder = new TextDecoder()
  const pieces = []
  let text = ''
  for await (const bytes of response.body) {
    const piece = decoder.decode(bytes, { stream: true })
    pieces.push([performance.now() - began, piece])
    text += piece
  }
  return { status: response.status, type: response.headers.get('content-type'), text, pieces }
}
