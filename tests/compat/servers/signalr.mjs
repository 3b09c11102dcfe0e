// ASP.NET Core SignalR's hub protocol in JSON: https://github.com/dotnet/aspnetcore/blob/main/src/SignalR/docs/specs/HubProtocol.md

const END = '\x1e'
const INVOCATION = 1
const STREAM_ITEM = 2
const COMPLETION = 3
const STREAM_INVOCATION = 4
const PING = 6

export function serveHub(socket) {
  let isOpen = false
  const send = (value) => socket.send(JSON.stringify(value) + END)
  socket.on('message', (data) => {
    for (const text of data.toString().split(END).slice(0, -1)) {
      const message = JSON.parse(text)
      if (!isOpen) {
        isOpen = true
        send({})
        send({ type: INVOCATION, target: 'Greeting', arguments: ['Grüße'] })
      } else obey(message, send)
    }
  })
}

function obey({ type, target, invocationId, arguments: given }, send) {
  if (type === PING) return send({ type: PING })
  if (type === INVOCATION && target === 'Echo') return send({ type: COMPLETION, invocationId, result: given[0] })
  if (type === STREAM_INVOCATION && target === 'Letters') {
    for (const item of given[0]) send({ type: STREAM_ITEM, invocationId, item })
    return send({ type: COMPLETION, invocationId })
  }
  return send({ type: COMPLETION, invocationId, error: 'no such method' })
}
