import { StallClocks, type StallOptions } from './clocks'
import { Ending } from './ending'
import { StreamError } from './errors'
import { isEnd, isError, isHeartbeat, PayloadReader, type StreamEvent } from './event-payload'
import { asStreamError } from './failure'
import { framingOf } from './format'
import type { Names } from './options'
import type { SseMessage } from './sse'
import { type Format, MAX_EVENT_LENGTH } from './types'
import { within } from './waiting'

/** How a body is read. */
export interface ReadingOptions extends StallOptions {
  /** `auto` (default): by the content type, or by how the body begins where that says nothing. */
  format?: Format | 'auto'
  /** Whether data are JSON. `auto` (default): from the first event on that is a JSON object. */
  json?: boolean | 'auto'
  /**
   * Whether a body that just ends is a broken one: only an event (`done`, `complete`, `[DONE]`) ends the answer. By default,
   * that is so where the events have the shape of a service whose answers always have such an end.
   */
  endEvent?: boolean
  /**
   * `end-event`: reading ends with the event that ends the answer, at once, and what follows it is left; one that ends
   * without it is broken. By default, what is known to follow (usage, costs) is waited for, a quarter of a second.
   */
  until?: 'end-event'
  /** Characters of one event, 8 Mi by default. */
  maxEventLength?: number
  /** An event that is not the JSON it should be. With this it is left out; without, it is the end of the stream. */
  onBadEvent?: (error: StreamError) => void
}

export const READING_OPTIONS: Names<ReadingOptions> = {
  idleTimeout: 0,
  eventTimeout: 0,
  format: 0,
  json: 0,
  endEvent: 0,
  until: 0,
  maxEventLength: 0,
  onBadEvent: 0
}

type BodyReader = ReadableStreamDefaultReader<Uint8Array<ArrayBuffer>>

/** Who reads a body, and what has to be known beyond its events. */
export interface Reader {
  /** Its reason is what reading fails with. */
  readonly signal: AbortSignal
  lastEventId: string
  bytes(count: number): void
  heartbeat(text: string): void
}

/** What only somebody needs who may send the request again. */
export interface ReadingHooks {
  retry?(milliseconds: number): void
  /** The format, when it is known: before the first event. */
  format?(format: Format): void
  /**
   * The id that the events up to here have brought: a server that is sent it continues behind them.
   *
   * @returns whether they have all been given
   */
  reached?(id: string): boolean
  /**
   * The body broke with `failure` behind its first `bytes` bytes: another reader, of what comes behind those.
   *
   * @throws {StreamError} there is none
   */
  attach?(failure: StreamError, bytes: number): Promise<BodyReader>
}

/** How long an answer that is whole may take to end, milliseconds: most do at once, and their connection can be used again. */
const GRACE_MS = 250

/**
 * The events of a successful response, to its end.
 *
 * @throws {StreamError} whatever goes wrong; the events that came before it have been given
 */
export async function* readEvents(
  response: Response,
  options: ReadingOptions,
  reader: Reader,
  hooks: ReadingHooks = {}
): AsyncGenerator<StreamEvent, void, undefined> {
  const first = response.body?.getReader()
  const ending = new Ending()
  const untilEvent = options.until === 'end-event'
  const expected = untilEvent || options.endEvent
  if (first === undefined) return ending.check(expected, null)
  let source: BodyReader = first
  let bytes = 0
  const clocks = new StallClocks(options)
  const decoder = new TextDecoder()
  try {
    const intake = new Intake(response, options, reader, hooks)
    for (let ended = false; !ended; ) {
      let part: ReadableStreamReadResult<Uint8Array>
      try {
        part = await nextPart(source, clocks, reader.signal, ending.ended)
      } catch (error) {
        // What the decoder holds of a character or an event stays: the next byte is the next byte.
        if (hooks.attach === undefined || ending.ended || reader.signal.aborted) throw error
        source = await hooks.attach(error as StreamError, bytes)
        continue
      }
      ended = part.done
      if (part.value !== undefined) {
        bytes += part.value.length
        reader.bytes(part.value.length)
      }
      for (const item of intake.take(decoder.decode(part.value, { stream: !ended }), ended)) {
        if (typeof item === 'string') {
          if (hooks.reached?.(item) ?? true) reader.lastEventId = item
          continue
        }
        if (!isHeartbeat(item)) clocks.meaningful()
        ending.take(item)
        yield item
        if (untilEvent && ending.ended) return
      }
      if (intake.failure !== null) throw intake.failure
    }
    ending.check(expected, intake.format)
  } catch (error) {
    const broken = error instanceof StreamError && !reader.signal.aborted
    // Whatever becomes of its connection, the answer is whole.
    if (!broken || !ending.ended) throw error
  } finally {
    // Of no effect where it ended by itself.
    source.cancel().catch(() => undefined)
  }
}

async function nextPart(
  source: ReadableStreamDefaultReader<Uint8Array>,
  clocks: StallClocks,
  signal: AbortSignal,
  whole: boolean
): Promise<ReadableStreamReadResult<Uint8Array>> {
  const budget = whole ? GRACE_MS : clocks.budget()
  const started = performance.now()
  try {
    const part = await within(source.read(), signal, budget, () => clocks.expired())
    if (!part.done) clocks.heard()
    return part
  } catch (error) {
    throw signal.aborted ? signal.reason : asStreamError(error, 'body')
  } finally {
    clocks.waited(performance.now() - started)
  }
}

/** From text to events. What fails is kept until the events before it have been given. */
class Intake {
  readonly #framing: ReturnType<typeof framingOf>
  /** Events, and between them the ids that have been reached with the events before. */
  readonly #items: (StreamEvent | string)[] = []
  readonly #options: ReadingOptions
  readonly #hooks: ReadingHooks
  #payload: PayloadReader | null = null
  failure: StreamError | null = null
  /** Known from the first event on. */
  format: Format | null = null

  constructor(response: Response, options: ReadingOptions, reader: Reader, hooks: ReadingHooks) {
    this.#options = options
    this.#hooks = hooks
    const { format = 'auto', maxEventLength = MAX_EVENT_LENGTH } = options
    const sink = {
      message: this.#message,
      unended: (message: SseMessage) => {
        if (this.failure === null) this.#lastWord(message)
      },
      heartbeat: (text: string) => reader.heartbeat(text),
      retry: (milliseconds: number) => hooks.retry?.(milliseconds),
      id: (id: string) => {
        if (this.failure === null) this.#items.push(id)
      }
    }
    this.#framing = framingOf(response, format, sink, maxEventLength, reader.lastEventId)
  }

  take(text: string, ended: boolean): (StreamEvent | string)[] {
    try {
      this.#framing.push(text)
      if (ended) this.#framing.end()
    } catch (error) {
      if (!(error instanceof StreamError)) throw error
      this.failure ??= error
    }
    return this.#items.splice(0)
  }

  readonly #message = (message: SseMessage, format: Format): void => {
    if (this.failure !== null) return
    try {
      this.#items.push(this.#reader(format).read(message))
    } catch (error) {
      if (this.#options.onBadEvent === undefined) this.failure = error as StreamError
      else this.#options.onBadEvent(error as StreamError)
    }
  }

  /** An event that is cut off is none, but servers forget the line behind their last one: what is whole and ends it counts. */
  #lastWord(message: SseMessage): void {
    try {
      const event = this.#reader('sse').read(message)
      if ((isEnd(event) || isError(event)) && event.data !== event.raw) this.#items.push(event)
    } catch {
      // Cut off.
    }
  }

  #reader(format: Format): PayloadReader {
    if (this.#payload === null) {
      this.#payload = new PayloadReader(format, this.#options.json ?? 'auto')
      this.format = format
      this.#hooks.format?.(format)
    }
    return this.#payload
  }
}
