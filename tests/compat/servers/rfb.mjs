// A screen of four by two pixels over RFB 3.8 (RFC 6143), whose clipboard comes back.

const WIDTH = 4
const HEIGHT = 2
const RAW = 0
/** Client messages without a length of their own, by type (section 7.5). */
const SIZES = { 0: 20, 3: 10, 4: 8, 5: 6 }
const SET_ENCODINGS = 2
export const UPDATE_REQUEST = 3
const CUT_TEXT = 6

export function serveRfb(socket) {
  let pending = Buffer.alloc(0)
  const taking = conversation(socket)
  let wanted = taking.next().value
  socket.on('message', (data) => {
    pending = Buffer.concat([pending, data])
    while (pending.length >= wanted) {
      const taken = pending.subarray(0, wanted)
      pending = pending.subarray(wanted)
      wanted = taking.next(taken).value
    }
  })
}

/** Asks for so many bytes, again and again. */
function* conversation(socket) {
  socket.send(Buffer.from('RFB 003.008\n'))
  yield 12
  // One kind of security, none, which is well.
  socket.send(Buffer.from([1, 1]))
  yield 1
  socket.send(Buffer.alloc(4))
  yield 1
  socket.send(
    Buffer.concat([Buffer.from([0, WIDTH, 0, HEIGHT]), FORMAT, Buffer.from([0, 0, 0, 6]), Buffer.from('screen')])
  )
  let shown = false
  for (;;) {
    const [type] = yield 1
    if (type === SET_ENCODINGS) yield 4 * (yield 3).readUInt16BE(1)
    else if (type === CUT_TEXT) {
      const text = yield (yield 7).readUInt32BE(3)
      const head = Buffer.from([3, 0, 0, 0, 0, 0, 0, 0])
      head.writeUInt32BE(text.length, 4)
      socket.send(Buffer.concat([head, text]))
    } else {
      yield SIZES[type] - 1
      if (type === UPDATE_REQUEST && !shown) {
        shown = true
        socket.send(
          Buffer.concat([
            Buffer.from([0, 0, 0, 1, 0, 0, 0, 0, 0, WIDTH, 0, HEIGHT]),
            Buffer.from([0, 0, 0, RAW]),
            PIXELS
          ])
        )
      }
    }
  }
}

/** 32 bits, depth 24, little endian, true colour; red, green, blue as noVNC asks for them (section 7.4). */
const FORMAT = Buffer.from([32, 24, 0, 1, 0, 255, 0, 255, 0, 255, 0, 8, 16, 0, 0, 0])
const PIXELS = Buffer.from(Array.from({ length: WIDTH * HEIGHT }, (_, at) => [10 * at, 255 - at, at, 0]).flat())
