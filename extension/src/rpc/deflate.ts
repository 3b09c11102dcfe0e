// Messages that were deflated: a byte that says what is inside, four with its size (big endian), and a zlib stream.

const TEXT = 1
const BINARY = 2
const HEADER = 5

/** What a message that came turned out to be. */
export type Inflated = { readonly data: string | Uint8Array } | { readonly fault: string; readonly code: number }

export function canDeflate(): boolean {
  return typeof CompressionStream === 'function' && typeof DecompressionStream === 'function'
}

export function isDeflated(data: string | Uint8Array): data is Uint8Array {
  return typeof data !== 'string' && (data[0] === TEXT || data[0] === BINARY)
}

/** @returns null where it would not save a tenth */
export async function deflated(data: string | Uint8Array): Promise<Uint8Array | null> {
  const plain = typeof data === 'string' ? new TextEncoder().encode(data) : data
  const parts = await collected(plain, new CompressionStream('deflate'), plain.length)
  if (parts === null) return null
  const size = parts.reduce((sum, part) => sum + part.length, HEADER)
  if (size > plain.length * 0.9) return null
  const message = joined(parts, size, HEADER)
  message[0] = typeof data === 'string' ? TEXT : BINARY
  new DataView(message.buffer).setUint32(1, plain.length)
  return message
}

/** @param most bytes that it may have inflated: no more are made of it, whatever it says */
export async function inflated(message: Uint8Array, most: number): Promise<Inflated> {
  if (message.length < HEADER) return { fault: 'deflated message cut off', code: 1007 }
  const size = new DataView(message.buffer, message.byteOffset).getUint32(1)
  if (size > most) return { fault: 'message too large', code: 1009 }
  const parts = await collected(message.subarray(HEADER), new DecompressionStream('deflate'), size)
  const bytes = parts === null ? 0 : parts.reduce((sum, part) => sum + part.length, 0)
  if (parts === null || bytes !== size) return { fault: 'deflated message broken', code: 1007 }
  const plain = joined(parts, size, 0)
  if (message[0] === BINARY) return { data: plain }
  try {
    return { data: new TextDecoder('utf-8', { fatal: true }).decode(plain) }
  } catch {
    return { fault: 'text is no UTF-8', code: 1007 }
  }
}

/** @returns null if it failed, or would be longer than `most` */
async function collected(
  bytes: Uint8Array,
  through: CompressionStream | DecompressionStream,
  most: number
): Promise<Uint8Array[] | null> {
  const writer = through.writable.getWriter()
  const reader = through.readable.getReader()
  const written = writer.write(bytes as Uint8Array<ArrayBuffer>).then(() => writer.close())
  // The reader is told the same.
  written.catch(() => undefined)
  const parts: Uint8Array[] = []
  let size = 0
  try {
    for (;;) {
      const { done, value } = await reader.read()
      if (done) return parts
      size += value.length
      if (size > most) {
        await reader.cancel()
        return null
      }
      parts.push(value)
    }
  } catch {
    return null
  }
}

function joined(parts: readonly Uint8Array[], size: number, from: number): Uint8Array {
  const whole = new Uint8Array(size)
  let at = from
  for (const part of parts) {
    whole.set(part, at)
    at += part.length
  }
  return whole
}
