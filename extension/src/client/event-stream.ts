import { Batcher, type BatchInterval } from './batch'
import { StreamError } from './errors'
import type { StreamEvent } from './event-payload'
import type { Names } from './options'
import { Meter, type Progress } from './progress'
import type { Reader } from './reading'
import { Recorder } from './recorder'
import { Tail } from './tail'

/** Where a stream is, reported while it happens. */
export type StreamStatus =
  | { readonly state: 'idle' }
  | { readonly state: 'connecting'; readonly attempt: number }
  /** The response's headers are there. */
  | { readonly state: 'open'; readonly attempt: number; readonly status: number }
  /** The next attempt begins in `delay` milliseconds, at `until` on the clock of `Date.now()`. */
  | {
      readonly state: 'waiting'
      readonly attempt: number
      readonly delay: number
      readonly until: number
      readonly reason: StreamError
    }
  /** No attempt is left: the answer is asked for in one piece. */
  | { readonly state: 'falling-back'; readonly reason: StreamError }
  | { readonly state: 'done' }
  | { readonly state: 'cancelled' }
  | { readonly state: 'failed'; readonly error: StreamError }

/** How a stream is delivered. Callbacks are an addition to the iterator: one of them has to read. */
export interface DeliveryOptions {
  /** When callbacks are called: per animation frame, or every so many milliseconds; by default with every event. */
  batch?: BatchInterval
  /** Events since the last call. */
  onEvents?: (events: readonly StreamEvent[]) => void
  /** Text since the last call, and all of it. */
  onText?: (added: string, all: string) => void
  onStatus?: (status: StreamStatus) => void
  /** A comment of an event stream came, which says only that the server is still there. */
  onHeartbeat?: (text: string) => void
  /** At most every 100 ms, and at the end. */
  onProgress?: (progress: Progress) => void
  /** Keep `text`: all of it (default), none, or the newest so many characters. For streams that never end. */
  keepText?: boolean | number
  /** Keep a record of what happens, of at most so many entries, 10,000 by default. */
  record?: boolean | number
}

export const DELIVERY_OPTIONS: Names<DeliveryOptions> = {
  batch: 0,
  onEvents: 0,
  onText: 0,
  onStatus: 0,
  onHeartbeat: 0,
  onProgress: 0,
  keepText: 0,
  record: 0
}

/** What has been read when a stream is at its end. */
export interface StreamResult {
  readonly text: string
  readonly lastEventId: string
  /** `cancel` ended it. */
  readonly cancelled: boolean
  readonly progress: Progress
}

/** What the source of a stream's events has of the stream. */
export interface Run extends Reader {
  readonly meter: Meter
  /** End it with this error. */
  abort(error: StreamError): void
  report(status: StreamStatus): void
  /** All that was delivered is void. */
  restart(): void
  /** The stream waits for its next attempt, and this ends the wait. */
  waits(wake: () => void): void
}

/** What a stream has that can be asked for once more. */
export interface Repeat {
  /** @throws {TypeError} it cannot be sent again */
  again(before: EventStream): EventStream
  /** Where the last one went on from there. */
  readonly before: EventStream | null
}

export type Source = (run: Run) => AsyncGenerator<StreamEvent, void, undefined>

const PROGRESS_MS = 100
const RECORD_ENTRIES = 10_000

/**
 * A stream of events, read once: by `for await`, by `readToCompletion`, or as a ReadableStream. Nothing happens before.
 *
 * What has arrived stays: `text` holds it after a failure and after a stop too.
 */
export class EventStream implements AsyncIterable<StreamEvent> {
  readonly #source: Source
  readonly #options: DeliveryOptions
  readonly #signal: AbortSignal | null
  readonly #aborter = new AbortController()
  readonly #recorder: Recorder | null
  readonly #batcher: Batcher<StreamEvent> | null
  readonly #repeat: Repeat | null
  readonly #text: Tail
  #meter = new Meter()
  #status: StreamStatus = { state: 'idle' }
  #started = false
  #cancelled = false
  #lastEventId = ''
  #progressAt = 0
  #wake: (() => void) | null = null

  /** @internal Use `events` or `stream`. */
  constructor(
    source: Source,
    options: DeliveryOptions,
    signal: AbortSignal | null | undefined,
    repeat: Repeat | null = null
  ) {
    this.#source = source
    this.#options = options
    this.#signal = signal ?? null
    const { record = false, batch } = options
    this.#recorder = record === false ? null : new Recorder(record === true ? RECORD_ENTRIES : record)
    this.#batcher = batch === undefined ? null : new Batcher(batch, (events) => this.#deliver(events))
    this.#repeat = repeat
    this.#text = new Tail(options.keepText)
    const { before = null } = repeat ?? {}
    if (before !== null) {
      this.#text.add(before.text)
      this.#lastEventId = before.lastEventId
    }
  }

  /** All text so far, in the order in which it came, or what of it `keepText` keeps. */
  get text(): string {
    return this.#text.value
  }

  get status(): StreamStatus {
    return this.#status
  }

  get isStreaming(): boolean {
    return this.#started && !OVER.has(this.#status.state)
  }

  get bytesReceived(): number {
    return this.#meter.bytesReceived
  }

  get eventsReceived(): number {
    return this.#meter.eventsReceived
  }

  /** Behind the last event that was given. */
  get lastEventId(): string {
    return this.#lastEventId
  }

  get progress(): Progress {
    return this.#meter.snapshot()
  }

  /** What was recorded, for `JSON.stringify`; null without the option `record`. */
  get recording(): Recorder | null {
    return this.#recorder
  }

  /** Stop. The request ends, iteration ends without an error, and what has arrived stays. */
  cancel(reason?: unknown): void {
    if (OVER.has(this.#status.state)) return
    this.#cancelled = true
    this.#aborter.abort(aborted(reason))
    if (!this.#started) this.#report({ state: 'cancelled' })
  }

  /**
   * For a person's button. A stream that waits for its next attempt makes it now, and is what is returned; so is one that
   * is under way. One that is over gives a new one for the same request, to be read: behind the last event if it resumes,
   * else from the beginning.
   *
   * @throws {TypeError} it is over and cannot be sent again: it was made by `events`, or its body was a stream
   */
  retry(): EventStream {
    if (this.#status.state === 'waiting') this.#wake?.()
    if (!OVER.has(this.#status.state) && !this.#cancelled) return this
    if (this.#repeat === null) throw new TypeError('Only what `stream` has sent can be sent again')
    return this.#repeat.again(this)
  }

  /**
   * Read to the end.
   *
   * @throws {StreamError}
   */
  async readToCompletion(): Promise<StreamResult> {
    for await (const _ of this);
    return { text: this.text, lastEventId: this.#lastEventId, cancelled: this.#cancelled, progress: this.progress }
  }

  /** The events as a stream, which reads no faster than it is read. */
  toReadableStream(): ReadableStream<StreamEvent> {
    const iterator = this[Symbol.asyncIterator]()
    return new ReadableStream(
      {
        pull: async (controller) => {
          const { done, value } = await iterator.next()
          if (done) controller.close()
          else controller.enqueue(value)
        },
        cancel: async (reason) => {
          this.cancel(reason)
          await iterator.return(undefined)
        }
      },
      { highWaterMark: 0 }
    )
  }

  /**
   * Leaving the loop ends the request.
   *
   * @throws {TypeError} it is being read already, or has been
   */
  [Symbol.asyncIterator](): AsyncGenerator<StreamEvent, void, undefined> {
    if (this.#started) throw new TypeError('The stream has been read already')
    this.#started = true
    return this.#read()
  }

  async *#read(): AsyncGenerator<StreamEvent, void, undefined> {
    this.#meter = new Meter()
    if (this.#cancelled) return
    let last: StreamStatus = { state: 'cancelled' }
    const follow = () => this.#aborter.abort(aborted(this.#signal?.reason))
    if (this.#signal?.aborted) follow()
    this.#signal?.addEventListener('abort', follow)
    try {
      for await (const event of this.#source(this.#run())) {
        this.#take(event)
        yield event
      }
      last = { state: 'done' }
    } catch (error) {
      if (!this.#cancelled) {
        last = { state: 'failed', error: error as StreamError }
        throw error
      }
    } finally {
      this.#signal?.removeEventListener('abort', follow)
      this.#aborter.abort()
      this.#meter.end()
      this.#batcher?.flush()
      this.#options.onProgress?.(this.progress)
      this.#report(last)
    }
  }

  #run(): Run {
    const stream = this
    return {
      signal: this.#aborter.signal,
      meter: this.#meter,
      get lastEventId() {
        return stream.#lastEventId
      },
      set lastEventId(id) {
        stream.#lastEventId = id
      },
      bytes: (count) => this.#bytes(count),
      heartbeat: (text) => {
        this.#recorder?.add('heartbeat', text)
        this.#options.onHeartbeat?.(text)
      },
      abort: (error) => this.#aborter.abort(error),
      report: (status) => this.#report(status),
      restart: () => {
        this.#batcher?.flush()
        this.#text.clear()
      },
      waits: (wake) => {
        this.#wake = wake
      }
    }
  }

  #bytes(count: number): void {
    this.#meter.bytesReceived += count
    this.#recorder?.add('bytes', count)
    const now = performance.now()
    if (this.#options.onProgress === undefined || now - this.#progressAt < PROGRESS_MS) return
    this.#progressAt = now
    this.#options.onProgress(this.progress)
  }

  #take(event: StreamEvent): void {
    this.#meter.event(event.text)
    this.#text.add(event.text)
    // Before the page sees it: one that stops with this event goes on behind it.
    if (event.id !== '') this.#lastEventId = event.id
    this.#recorder?.add('event', { type: event.type, name: event.name, id: event.id, raw: event.raw })
    if (this.#batcher === null) this.#deliver([event])
    else this.#batcher.add(event)
  }

  #deliver(events: readonly StreamEvent[]): void {
    const { onEvents, onText } = this.#options
    onEvents?.(events)
    if (onText === undefined) return
    // Not cut out of the whole, which would have to be copied for it each time.
    const added = events.map(({ text }) => text).join('')
    if (added !== '') onText(added, this.text)
  }

  #report(status: StreamStatus): void {
    this.#status = status
    this.#recorder?.add('status', plain(status))
    this.#options.onStatus?.(status)
  }
}

function aborted(cause: unknown): StreamError {
  return new StreamError('ABORTED', 'The page aborted the stream', { cause })
}

const OVER: ReadonlySet<StreamStatus['state']> = new Set(['done', 'cancelled', 'failed'])

/** A status without what JSON would lose or must not hold: an error's message is not among its own members. */
function plain(status: StreamStatus): unknown {
  const error = 'reason' in status ? status.reason : 'error' in status ? status.error : null
  if (error === null) return status
  const { code, category, message, status: http, retryAfter } = error
  return { ...status, reason: undefined, error: { code, category, message, status: http, retryAfter } }
}
