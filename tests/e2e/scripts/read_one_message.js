// A WebSocketStream of which one message is read, and no more until the test reads on.
export default async (url) => {
  window.stream = new longwire.WebSocketStream(url)
  const { readable } = await window.stream.opened
  window.reader = readable.getReader()
  window.first = (await window.reader.read()).value
}
