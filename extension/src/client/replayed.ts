import { StreamError } from './errors'
import { pause } from './waiting'

export interface ReplayOptions {
  /** Which stream of the recording, by its number; the first by default. */
  stream?: number
  /** How much faster, 1 by default; Infinity is at once. */
  speed?: number
  signal?: AbortSignal | null
}

/** The latest time of a line that the format has, milliseconds. */
const MAX_MS = 1e12

/** What this reads of the lines of a recording (docs/recordings.md). */
interface Line {
  readonly longwire_recording?: number
  readonly type: string
  readonly stream: number
  readonly t: number
  readonly way?: string
  readonly text?: string
  readonly base64?: string
  readonly status: number
  readonly reason: string
  readonly headers: [string, string][]
  readonly how?: string
  readonly code?: string
  readonly message?: string
}

/**
 * The response of a recorded stream, at its recorded times from now on. What did not end well fails as it did; what was still
 * open fails with BODY_FAILED. Its `url` is empty.
 *
 * @param file a recording, or what has its text: a File, a Blob, a Response
 * @throws {TypeError} it is none, or has no such stream, or that one is a socket. So does the body where a piece of it is none
 */
export async function replay(
  file: string | { text(): Promise<string> },
  { stream, speed = 1, signal }: ReplayOptions = {}
): Promise<Response> {
  const began = performance.now()
  const text = typeof file === 'string' ? file : await file.text()
  const own = linesOf(text, stream)
  const aborting = new AbortController()
  const stop = () => aborting.abort(signal?.reason)
  if (signal?.aborted) stop()
  signal?.addEventListener('abort', stop)
  const until = async (t: number) => {
    const left = began + t / speed - performance.now()
    if (left > 0) await pause(left, aborting.signal)
    else aborting.signal.throwIfAborted()
  }
  let at = own.findIndex(({ type }) => type === 'response')
  const head = own[at]
  const end = own.findLast(({ type }) => type === 'end')
  const failure = () => new StreamError(end?.code ?? 'BODY_FAILED', end?.message ?? 'The recording ends here')
  if (head === undefined) {
    await until(end?.t ?? 0)
    throw failure()
  }
  // Before its time: what cannot be a response is said at once.
  const { status, reason, headers } = head
  const bare = status === 204 || status === 205 || status === 304
  const build = (body: ReadableStream | null) => {
    try {
      return new Response(bare ? null : body, { status, statusText: reason, headers })
    } catch {
      throw none()
    }
  }
  build(null)
  await until(head.t)
  const body = new ReadableStream<Uint8Array<ArrayBuffer>>(
    {
      async pull(controller) {
        at += 1
        const line = own[at]
        if (line !== undefined) await until(line.t)
        if (line?.type === 'piece') {
          controller.enqueue(bytesOf(line))
        } else if (line?.how === 'whole') controller.close()
        else throw failure()
      },
      cancel: stop
    },
    { highWaterMark: 0 }
  )
  return build(body)
}

const none = () => new TypeError('This is no recording of Longwire, or it has no such stream of HTTP')

/** What is replayed of a stream, the first one's by default. */
function linesOf(text: string, stream: number | undefined): Line[] {
  try {
    const [first, ...lines] = text.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line) as Line]))
    const wanted = stream ?? lines[0]?.stream
    const own = lines.filter((line) => line.stream === wanted && line.way !== 'up' && line.type !== 'again')
    const isOne = ({ type, t }: Line) => type !== 'message' && typeof t === 'number' && t >= 0 && t <= MAX_MS
    if (first?.longwire_recording === 1 && own.length > 0 && own.every(isOne)) return own
  } catch {
    // A line that is no object, or no JSON.
  }
  throw none()
}

function bytesOf({ text, base64 }: Line): Uint8Array<ArrayBuffer> {
  try {
    if (typeof text === 'string') return new TextEncoder().encode(text)
    return Uint8Array.fromBase64(base64 ?? '')
  } catch {
    throw none()
  }
}
