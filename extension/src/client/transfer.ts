import { announcedLength } from './progress'

type Bytes = Uint8Array<ArrayBuffer>

export interface DownloadProgress {
  readonly bytes: number
  /** Where it is known: not of a body that came compressed. */
  readonly total: number | undefined
}

/** The body of a response, which says how much of it has been read. */
export function downloading(
  response: Response,
  onProgress: (progress: DownloadProgress) => void
): ReadableStream<Bytes> {
  const total = announcedLength(response.headers)
  const body = response.body ?? new ReadableStream<Bytes>({ start: (controller) => controller.close() })
  let bytes = 0
  return asStream(body, (piece) => {
    bytes += piece.length
    onProgress({ bytes, total })
  })
}

/** An async iterable of text and bytes, as a stream that asks it for the next piece only when it is read. */
export function asStream(pieces: AsyncIterable<unknown>, seen?: (piece: Bytes) => void): ReadableStream<Bytes> {
  const iterator = pieces[Symbol.asyncIterator]()
  return new ReadableStream<Bytes>(
    {
      pull: async (controller) => {
        const { done, value } = await iterator.next()
        if (done) return controller.close()
        const piece = typeof value === 'string' ? new TextEncoder().encode(value) : (value as Bytes)
        controller.enqueue(piece)
        seen?.(piece)
      },
      cancel: async () => {
        await iterator.return?.()
      }
    },
    { highWaterMark: 0 }
  )
}
