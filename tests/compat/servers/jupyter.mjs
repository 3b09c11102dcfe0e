// A kernel that prints the code it is given, over Jupyter's `v1.kernel.websocket.jupyter.org`:
// https://jupyter-server.readthedocs.io/en/latest/developers/websocket-protocols.html

const MODEL = {
  id: 'kernel',
  name: 'echo',
  last_activity: '2026-01-01T00:00:00Z',
  execution_state: 'idle',
  connections: 0
}

/** The part of the REST API that a kernel needs. */
export function answerKernels(request, response, answer) {
  request.resume()
  const { pathname } = new URL(request.url, 'http://localhost')
  if (request.method === 'POST' && pathname.endsWith('/api/kernels'))
    return answer(response, 201, JSON.stringify(MODEL))
  if (request.method === 'GET' && pathname.endsWith('/api/kernels/kernel')) {
    return answer(response, 200, JSON.stringify(MODEL))
  }
  return answer(response, 404, '{}')
}

export function serveKernel(socket) {
  let count = 0
  // Without the subprotocol, messages are JSON; a client that was refused once tries so.
  const isPlain = socket.protocol === ''
  socket.on('message', (data) => {
    const { header: parent, content, buffers } = isPlain ? JSON.parse(data) : unpacked(data)
    const tell = (channel, type, value, more = []) => {
      count += 1
      const header = { ...parent, msg_id: `${type}-${count}`, msg_type: type, username: 'kernel', version: '5.3' }
      const message = { channel, header, parent_header: parent, metadata: {}, content: value, buffers: more }
      socket.send(isPlain ? JSON.stringify(message) : packed(message))
    }
    tell('iopub', 'status', { execution_state: 'busy' })
    if (parent.msg_type === 'kernel_info_request') tell('shell', 'kernel_info_reply', INFO)
    else if (parent.msg_type === 'execute_request') {
      tell('iopub', 'stream', { name: 'stdout', text: content.code })
      tell('shell', 'execute_reply', { status: 'ok', execution_count: 1, user_expressions: {}, payload: [] })
    } else if (parent.msg_type === 'comm_msg') {
      tell('iopub', 'comm_msg', content, buffers)
    }
    tell('iopub', 'status', { execution_state: 'idle' })
  })
}

const INFO = {
  status: 'ok',
  protocol_version: '5.3',
  implementation: 'echo',
  implementation_version: '1',
  language_info: { name: 'text', version: '1', mimetype: 'text/plain', file_extension: '.txt' },
  banner: 'Grüße',
  help_links: []
}

/** The number of parts and their offsets come first, each 64 bits. */
function unpacked(data) {
  const offsets = []
  for (let at = 1; at <= Number(data.readBigUInt64LE(0)); at++) offsets.push(Number(data.readBigUInt64LE(8 * at)))
  const [, header, , , content, ...buffers] = offsets
    .slice(0, -1)
    .map((start, index) => data.subarray(start, offsets[index + 1]))
  return { header: JSON.parse(header), content: JSON.parse(content), buffers }
}

function packed({ channel, header, parent_header, metadata, content, buffers }) {
  const texts = [channel, ...[header, parent_header, metadata, content].map((part) => JSON.stringify(part))]
  const parts = [...texts.map((text) => Buffer.from(text)), ...buffers]
  const head = Buffer.alloc(8 * (parts.length + 2))
  head.writeBigUInt64LE(BigInt(parts.length + 1), 0)
  let offset = head.length
  head.writeBigUInt64LE(BigInt(offset), 8)
  for (const [index, part] of parts.entries()) {
    offset += part.length
    head.writeBigUInt64LE(BigInt(offset), 8 * (index + 2))
  }
  return Buffer.concat([head, ...parts])
}
