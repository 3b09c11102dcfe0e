import type { StreamChunk } from '../protocol/bridge'
import {
  append,
  bare,
  bytesLength,
  bytesSet,
  decompressionReadable,
  decompressionWritable,
  hasOwn,
  ignoreRejection,
  mapDelete,
  mapGet,
  mapSet,
  NativeDecompressionStream,
  NativeRangeError,
  NativeUint8Array,
  NativeWritableStream,
  pipeTo,
  promiseThen,
  streamWriter,
  writerClose,
  writerWrite
} from './builtins'
import type { StreamMessage } from './exchange'

/** A message that is to be delivered, or a chunk that is being undone. */
interface Waiting {
  message: StreamMessage
  ready: boolean
}

/**
 * Undoes compressed chunks, on the way to their streams. What comes behind one waits for it, in its own stream alone: each
 * stream gets its messages in the order in which they came, and plain ones.
 *
 * A chunk that is not what it says is delivered as it came, for the stream to complain of.
 */
export class Unpacker {
  readonly #deliver: (message: StreamMessage) => void
  readonly #waiting = new Map<number, Waiting[]>()

  constructor(deliver: (message: StreamMessage) => void) {
    this.#deliver = deliver
  }

  pass(message: StreamMessage): void {
    const { id } = message
    const waiting = mapGet(this.#waiting, id)
    const packed = message.type === 'STREAM_CHUNK' && hasOwn(message, 'encoding')
    if (!packed && waiting === undefined) return this.#deliver(message)
    const entry: Waiting = { message, ready: !packed }
    if (waiting === undefined) mapSet(this.#waiting, id, [entry])
    else append(waiting, entry)
    if (packed) {
      unpack(message as StreamChunk, (plain) => {
        if (plain !== null) entry.message = plain
        entry.ready = true
        this.#flush(id)
      })
    }
  }

  #flush(id: number): void {
    const waiting = mapGet(this.#waiting, id)
    if (waiting === undefined) return
    let count = 0
    // Delivering runs no code of the page that could come back here, but for what it starts as tasks of its own.
    while (count < waiting.length && (waiting[count] as Waiting).ready) count += 1
    if (count === 0) return
    if (count === waiting.length) mapDelete(this.#waiting, id)
    else mapSet(this.#waiting, id, behind(waiting, count))
    for (let i = 0; i < count; i++) this.#deliver((waiting[i] as Waiting).message)
  }
}

function behind(waiting: readonly Waiting[], count: number): Waiting[] {
  const left: Waiting[] = []
  for (let i = count; i < waiting.length; i++) append(left, waiting[i] as Waiting)
  return left
}

/** @param done given the chunk as if it had come plain; null if it is not what it says */
function unpack(chunk: StreamChunk, done: (plain: StreamChunk | null) => void): void {
  const { type, id, offset, data, encoding, size } = chunk
  if (size === undefined || encoding === undefined) return done(null)
  const bytes = new NativeUint8Array(size)
  let filled = 0
  const write = (piece: Uint8Array) => {
    if (filled + bytesLength(piece) > size) throw new NativeRangeError('more than the chunk says')
    bytesSet(bytes, piece, filled)
    filled += bytesLength(piece)
  }
  const stream = new NativeDecompressionStream(encoding)
  const writer = streamWriter(decompressionWritable(stream))
  ignoreRejection(writerWrite(writer, data as Uint8Array<ArrayBuffer>))
  ignoreRejection(writerClose(writer))
  const plain: StreamChunk = { type, id, offset, data: bytes }
  if (hasOwn(chunk, 'window')) plain.window = chunk.window as number
  // Not by reading: a promise of an object asks it for `then`, which a page may have given to every object.
  promiseThen(
    pipeTo(decompressionReadable(stream), new NativeWritableStream(bare({ write }))),
    () => done(filled === size ? plain : null),
    () => done(null)
  )
}
