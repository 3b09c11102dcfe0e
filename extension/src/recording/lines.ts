import { MAX_RECORDED_PIECE_BYTES } from '../protocol/constants'

type Bytes = Uint8Array<ArrayBuffer>

/** A byte-order mark is bytes, too. */
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** Bytes as a line has them: `text` where they are UTF-8 by themselves. */
export function written(data: Bytes): { text: string } | { base64: string } {
  try {
    return { text: utf8.decode(data) }
  } catch {
    return { base64: data.toBase64() }
  }
}

/** @throws {SyntaxError} `base64` is none */
export function bytesOf({ text, base64 }: { readonly text?: string; readonly base64?: string }): Bytes {
  return text === undefined
    ? Uint8Array.fromBase64(base64 ?? '', { lastChunkHandling: 'strict' })
    : new TextEncoder().encode(text)
}

/** Of a body, what a line may have; all of one time. */
export function* inLines(data: Bytes): Generator<Bytes> {
  for (let start = 0; start < data.byteLength; start += MAX_RECORDED_PIECE_BYTES) {
    yield data.subarray(start, start + MAX_RECORDED_PIECE_BYTES)
  }
}

/** Milliseconds to the microsecond. */
export function rounded(t: number): number {
  return Math.max(0, Math.round(t * 1000) / 1000)
}

/** The time of day, UTC, to the microsecond, of a time on the clock of `performance.now()`. */
export function timeOfDay(at: number, origin = performance.timeOrigin): string {
  const micros = Math.round((origin + at) * 1000)
  const rest = String(((micros % 1000) + 1000) % 1000).padStart(3, '0')
  return new Date(Math.floor(micros / 1000)).toISOString().replace('Z', `${rest}Z`)
}

/** The value of the last field of this name, empty without one. */
export function fieldOf(headers: readonly (readonly [string, string])[], wanted: string): string {
  return headers.find(([name]) => name.toLowerCase() === wanted)?.[1] ?? ''
}
