import {
  blobStream,
  bytesOf,
  encodeUtf8,
  ignoreRejection,
  NativeTypeError,
  NativeUint8Array,
  readerCancel,
  readerRead,
  streamReader
} from './builtins'

/** A request body that gives its bytes piece by piece. */
export interface UploadSource {
  /** The next piece, or null at the end. Rejects with the source's own error. */
  read(): Promise<Uint8Array<ArrayBuffer> | null>
  /** Nobody wants the rest. Never throws. */
  cancel(reason: unknown): void
  /** The same bytes from the beginning; null for what gives them once. */
  readonly again: (() => UploadSource) | null
}

/** Bytes in memory, in one piece. */
export function bytesSource(bytes: Uint8Array<ArrayBuffer>): UploadSource {
  let rest: Uint8Array<ArrayBuffer> | null = bytes
  return {
    async read() {
      const piece = rest
      rest = null
      return piece
    },
    cancel() {
      rest = null
    },
    again: () => bytesSource(bytes)
  }
}

/** A blob is read anew each time: it need not be in memory. */
export function blobSource(blob: Blob): UploadSource {
  const { read, cancel } = streamSource(blobStream(blob))
  return { read, cancel, again: () => blobSource(blob) }
}

export function streamSource(stream: ReadableStream): UploadSource {
  const reader = streamReader(stream)
  return {
    async read() {
      const { done, value } = await readerRead(reader)
      return done ? null : chunkBytes(value)
    },
    cancel(reason) {
      ignoreRejection(readerCancel(reader, reason))
    },
    again: null
  }
}

export function iterableSource(iterable: AsyncIterable<unknown>, iterate: () => AsyncIterator<unknown>): UploadSource {
  let iterator: AsyncIterator<unknown> | null = null
  const stop = async (reason: unknown) => {
    await iterator?.return?.(reason)
  }
  return {
    async read() {
      iterator ??= iterate.call(iterable)
      const { done, value } = await iterator.next()
      return done === true ? null : chunkBytes(value)
    },
    cancel(reason) {
      ignoreRejection(stop(reason))
    },
    again: null
  }
}

/** What a body stream may consist of. The browser's own fetch takes only Uint8Array; the others have one meaning too. */
function chunkBytes(chunk: unknown): Uint8Array<ArrayBuffer> {
  const bytes = typeof chunk === 'string' ? encodeUtf8(chunk) : bytesOf(chunk)
  if (bytes === null)
    throw new NativeTypeError('A request body stream may consist of Uint8Array, buffers and strings only')
  return bytes
}

/** The bytes as they are now: what the page does to its buffer afterwards changes nothing. */
export function copyOf(bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  return new NativeUint8Array(bytes)
}
