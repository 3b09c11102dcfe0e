// Whose class a page's sockets are while it is patched, and afterwards.
export default async ([granted, other]) => {
  const before = WebSocket
  const undo = longwire.patch({ webSocket: true })
  await longwire.status()
  const kinds = []
  for (const url of [granted, other]) {
    const socket = new WebSocket(url)
    kinds.push([socket instanceof longwire.WebSocket, socket instanceof WebSocket, WebSocket.OPEN])
    await new Promise((next) => {
      socket.onopen = next
    })
    socket.close()
  }
  undo()
  const named = longwire.patch({ webSocket: true, destinations: [granted] })
  const early = new WebSocket(granted) instanceof longwire.WebSocket
  named()
  const quiet = longwire.patch()
  const untouched = WebSocket === before
  quiet()
  return [kinds, early, untouched, WebSocket === before]
}
