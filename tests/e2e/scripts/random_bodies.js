function random(size) {
  const bytes = new Uint8Array(size)
  for (let at = 0; at < size; at += 65536) crypto.getRandomValues(bytes.subarray(at, at + 65536))
  return bytes
}
async function sha256(bytes) {
  return hex(await crypto.subtle.digest('SHA-256', bytes))
}
// `bytes` as a stream of pieces whose sizes are odd, and sometimes nothing.
function streamed(bytes) {
  let at = 0,
    turn = 0
  return new ReadableStream({
    pull(controller) {
      const size = [1, 65536, 0, 77_777, 300_001][turn++ % 5]
      if (size > 0) controller.enqueue(bytes.slice(at, at + size))
      else controller.enqueue(new Uint8Array())
      at += size
      if (at >= bytes.length) controller.close()
    }
  })
}
