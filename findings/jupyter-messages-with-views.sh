#!/usr/bin/env bash
# A Jupyter message whose buffer is a view of part of a larger one, as @jupyterlab/services writes it.
#
# One would guess: `buffers` takes `ArrayBuffer | ArrayBufferView`, so of a view the bytes that it shows are sent, as
# WebSocket.send and Blob do it.
# What happens (7.6.6): the buffer behind the view is taken from its beginning. With the protocol of today
# (v1.kernel.websocket.jupyter.org) the message ends in a RangeError if the view is the last buffer, and if another follows,
# other bytes are sent than the view shows, without an error. With the older protocol the whole buffer is sent.
# Why it matters: widgets send slices of typed arrays, and what wasm and readers of files give are views of one large memory.
# The kernel gets wrong numbers, or what lies beside them. A copy (`view.slice()`) is sent as it is.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts @jupyterlab/services@7.6.6

cat >write.cjs <<'JS'
const { serialize, deserialize } = require('@jupyterlab/services/lib/kernel/serialize')

const whole = Uint8Array.from([1, 2, 3, 4, 5, 6, 7, 8])
const view = whole.subarray(4)
const other = Uint8Array.from([9, 9, 9, 9])

function sent(protocol, ...buffers) {
  const header = { msg_id: '1', msg_type: 'comm_msg' }
  const message = { channel: 'shell', header, parent_header: {}, metadata: {}, content: {}, buffers }
  try {
    const read = deserialize(serialize(message, protocol), protocol)
    return read.buffers.map((part) => [...new Uint8Array(part.buffer, part.byteOffset, part.byteLength)].join('')).join(' ')
  } catch (error) {
    return error.name
  }
}

for (const protocol of ['v1.kernel.websocket.jupyter.org', '']) {
  console.log(`${protocol || 'older'}: a copy ${sent(protocol, view.slice())}, the view ${sent(protocol, view)},`,
    `with another behind it ${sent(protocol, view, other)}`)
}
JS
cat >expected <<'TXT'
v1.kernel.websocket.jupyter.org: a copy 5678, the view RangeError, with another behind it 1234 9999
older: a copy 5678, the view 12345678, with another behind it 12345678 9999
TXT
node write.cjs | tee seen
diff expected seen
