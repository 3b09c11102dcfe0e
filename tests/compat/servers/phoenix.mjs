// Phoenix channels, version 2 of the serializer (https://hexdocs.pm/phoenix/Phoenix.Socket.Serializer.html), and what
// Supabase Realtime adds: https://supabase.com/docs/guides/realtime/protocol

const PUSH = 0
const REPLY = 1
/** Supabase: a broadcast of a client, and the same as it goes out. */
const USER_PUSH = 3
const USER_BROADCAST = 4

export function servePhoenix(socket) {
  socket.on('message', (data, isBinary) => {
    if (isBinary) return serveBytes(socket, data)
    const [joinRef, ref, topic, event, payload] = JSON.parse(data)
    // A join of Supabase says for which changes of the database it is: none.
    const response = event === 'phx_join' && payload.config !== undefined ? { postgres_changes: [] } : payload
    socket.send(JSON.stringify([joinRef, ref, topic, 'phx_reply', { status: 'ok', response }]))
  })
}

function serveBytes(socket, data) {
  if (data[0] === PUSH) {
    const { parts, rest } = fields(data, 4)
    const [joinRef, ref, topic] = parts
    socket.send(packed(REPLY, [joinRef, ref, topic, Buffer.from('ok')], [], rest))
  } else if (data[0] === USER_PUSH) {
    // Join reference, reference, topic, event, metadata; then the encoding.
    const encoding = data[6]
    const { parts, rest } = fields(data, 5, 1)
    const [, , topic, event, metadata] = parts
    socket.send(packed(USER_BROADCAST, [topic, event, metadata], [encoding], rest))
  }
}

/** What lies behind the kind: `count` sizes, `extra` further bytes, the fields of these sizes, and the rest. */
function fields(data, count, extra = 0) {
  let at = 1 + count + extra
  const parts = []
  for (let index = 0; index < count; index++) {
    const size = data[1 + index]
    parts.push(data.subarray(at, at + size))
    at += size
  }
  return { parts, rest: data.subarray(at) }
}

function packed(kind, parts, extra, rest) {
  return Buffer.concat([Buffer.from([kind, ...parts.map(({ length }) => length), ...extra]), ...parts, rest])
}
