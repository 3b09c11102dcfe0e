import { ACK_WINDOW_DIVISOR, WINDOW_FLOOR_BYTES, WINDOW_MAX_BYTES } from '../protocol/constants'
import {
  bare,
  byobRespond,
  bytesLength,
  controllerByobRequest,
  controllerClose,
  controllerEnqueue,
  controllerError,
  deref,
  NativeFinalizationRegistry,
  NativeReadableStream,
  NativeWeakRef,
  registerFinalizer,
  setPrototypeOf
} from './builtins'

/** What happens to a body on the page's side. */
export interface BodyEvents {
  /** The page took all bytes below this offset out of its stream, and it is time to say so. */
  consumed(offset: number): void
  /** The page cancelled its stream. */
  cancelled(reason: unknown): void
  /** Nothing can reach the stream any more. */
  collected(): void
  /** The stream is closed or errored; nothing further happens here. */
  finished(): void
}

/** What follows the last queued byte. */
type Ending = { readonly kind: 'close' } | Failure

interface Failure {
  readonly kind: 'error'
  readonly error: unknown
}

interface QueuedChunk {
  readonly bytes: Uint8Array<ArrayBuffer>
  next: QueuedChunk | null
}

/**
 * A response body between the host's messages and the page's ReadableStream.
 *
 * Nothing here may keep a stream alive that nobody reads. The body is reachable from the stream table, so it holds the
 * stream's source strongly only while a read waits (then somebody does want it, if only a `for await` that nothing else
 * refers to), and weakly otherwise. A stream that becomes unreachable is collected, and `collected` says so.
 */
export class Body {
  readonly #events: BodyEvents
  #source: WeakRef<Source> | null = null
  /** The source whose reader waits for a chunk. */
  #waiting: Source | null = null
  #first: QueuedChunk | null = null
  #last: QueuedChunk | null = null
  #ending: Ending | null = null
  #finished = false
  #received = 0
  #consumed = 0
  #acknowledged = 0
  #window = WINDOW_FLOOR_BYTES

  constructor(events: BodyEvents) {
    this.#events = events
  }

  /** Bytes that came from the host; the next chunk's offset. */
  get received(): number {
    return this.#received
  }

  /** Bytes that wait here for the page; a host that keeps to its window never exceeds WINDOW_MAX_BYTES. */
  get overrun(): boolean {
    return this.#received - this.#consumed > WINDOW_MAX_BYTES
  }

  /** What the stream errored with, if it did. */
  get failure(): Failure | null {
    return this.#finished && this.#ending?.kind === 'error' ? this.#ending : null
  }

  /** The page's stream. To be called once. */
  open(): ReadableStream<Uint8Array<ArrayBuffer>> {
    const source = new Source(this)
    this.#source = new NativeWeakRef(source)
    registerFinalizer(unreachable, source, this)
    return new NativeReadableStream(source, bare({ highWaterMark: 0 }))
  }

  /** The host's window, by which acknowledgements are paced. */
  setWindow(bytes: number): void {
    this.#window = bytes
  }

  /** Bytes from the host, contiguous; the array is given away. */
  push(bytes: Uint8Array<ArrayBuffer>): void {
    const size = bytesLength(bytes)
    this.#received += size
    if (size === 0 || this.#finished) return
    const waiting = this.#waiting
    if (waiting !== null) return this.#give(waiting, bytes)
    const chunk: QueuedChunk = { bytes, next: null }
    if (this.#last === null) this.#first = chunk
    else this.#last.next = chunk
    this.#last = chunk
  }

  /** The body is complete. What is queued is still to be read. */
  end(): void {
    this.#conclude({ kind: 'close' })
  }

  /** The host says that the body failed. What came before is good, and is still to be read. */
  fail(error: unknown): void {
    this.#conclude({ kind: 'error', error })
  }

  /** The page aborted: its stream errors at once, as a fetch's does, and what is queued is gone. */
  abort(reason: unknown): void {
    this.#first = this.#last = null
    this.#ending = null
    this.#conclude({ kind: 'error', error: reason })
  }

  /** The stream has a reader that waits. */
  pull(source: Source): void {
    const chunk = this.#first
    if (chunk !== null) {
      this.#first = chunk.next
      if (chunk.next === null) this.#last = null
      this.#give(source, chunk.bytes)
    } else if (this.#ending !== null) this.#finish(source, this.#ending)
    else this.#waiting = source
  }

  /** The page cancelled its stream, which is closed by now. */
  cancel(reason: unknown): void {
    this.#drop()
    this.#events.cancelled(reason)
  }

  /** The stream is gone. */
  collect(): void {
    if (this.#finished) return
    this.#drop()
    this.#events.collected()
  }

  /** What leaves here has been asked for by a read: that is what the page consumed. */
  #give(source: Source, bytes: Uint8Array<ArrayBuffer>): void {
    this.#waiting = null
    this.#consumed += bytesLength(bytes)
    // Takes the array's memory, and may come back into `pull` for the next read.
    controllerEnqueue(source.controller, bytes)
    if (this.#finished) return
    if (this.#first === null && this.#ending !== null) this.#finish(source, this.#ending)
    else this.#acknowledge()
  }

  #acknowledge(): void {
    if (this.#ending !== null || this.#consumed - this.#acknowledged < this.#window / ACK_WINDOW_DIVISOR) return
    this.#acknowledged = this.#consumed
    this.#events.consumed(this.#consumed)
  }

  #conclude(ending: Ending): void {
    if (this.#finished || this.#ending !== null) return
    this.#ending = ending
    if (this.#first !== null) return
    const source = this.#waiting ?? (this.#source === null ? undefined : deref(this.#source))
    if (source !== undefined) this.#finish(source, ending)
  }

  #finish(source: Source, ending: Ending): void {
    this.#drop()
    const { controller } = source
    if (ending.kind === 'error') controllerError(controller, ending.error)
    else close(controller)
    this.#events.finished()
  }

  #drop(): void {
    this.#finished = true
    this.#waiting = null
    this.#first = this.#last = null
  }
}

function close(controller: ReadableByteStreamController): void {
  try {
    controllerClose(controller)
    // A reader that brought its own buffer gets it back empty.
    const request = controllerByobRequest(controller)
    if (request !== null) byobRespond(request, 0)
  } catch {
    // The reader's buffer has elements of several bytes and the body ended inside one: the stream has errored itself.
  }
}

const unreachable = new NativeFinalizationRegistry<Body>((body) => body.collect())

/**
 * The stream's underlying source. It holds the controller, so that as long as the stream lives the controller's JavaScript
 * object does too, and it is what tells that the stream lives: nothing but the stream, and a waiting body, refers to it.
 */
class Source implements UnderlyingByteSource {
  readonly type = 'bytes'
  controller!: ReadableByteStreamController
  readonly #body: Body

  constructor(body: Body) {
    this.#body = body
  }

  start(controller: ReadableByteStreamController): void {
    this.controller = controller
  }

  // No promise is returned: one that waits for the next chunk would have to be held by whoever brings it.
  pull(): void {
    this.#body.pull(this)
  }

  cancel(reason: unknown): void {
    this.#body.cancel(reason)
  }
}
// The stream looks for members that are not here; Object.prototype shall not answer.
setPrototypeOf(Source.prototype, null)
