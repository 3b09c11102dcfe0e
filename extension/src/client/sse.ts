import { createParser } from 'eventsource-parser'
import { StreamError } from './errors'

/** One event of a text/event-stream, as the HTML standard dispatches it. */
export interface SseMessage {
  /** The `event` field, `message` if there is none. */
  readonly event: string
  /** The `data` fields, joined by line feeds. */
  readonly data: string
  /** The last event id of the stream so far, empty if there was none. */
  readonly id: string
}

export interface SseSink {
  message(message: SseMessage): void
  /** Reconnection time that the server asks for, milliseconds. */
  retry?(milliseconds: number): void
  /** The text of a comment line: what servers send to keep a connection alive. */
  comment?(text: string): void
  /** The last event id is this from here on, after the event that brought it, if one did: the stream continues behind it. */
  id?(id: string): void
}

/**
 * A text/event-stream, bytes in and events out, by the HTML standard §9.2.6, whatever the bytes are cut into.
 *
 * Without `comment` in the sink, comments are skipped without being kept, however long.
 */
export class SseDecoder {
  readonly #text = new TextDecoder()
  readonly #parser: ReturnType<typeof createParser>
  readonly #sink: SseSink
  #failure: StreamError | null = null
  #id: string
  /** An id that the sink has not been told. */
  #untold: string | null = null

  /**
   * @param limit characters of one event's data, its name or its id
   * @param id the last event id of the connection before
   */
  constructor(sink: SseSink, limit: number, id = '') {
    this.#sink = sink
    this.#id = id
    const { comment, retry } = sink
    this.#parser = createParser({
      onEvent: ({ id: own, event = 'message', data }) => {
        if (own === undefined) this.#tellId()
        // The parser counts what it keeps between two pieces; an event inside one piece is to be judged alike.
        if (data.length > limit || event.length > limit) this.#failure ??= tooLarge(limit)
        if (this.#failure === null) sink.message({ event, data, id: this.#id })
      },
      onId: (given) => {
        this.#tellId()
        if (given.length > limit) this.#failure ??= tooLarge(limit)
        if (this.#failure !== null) return
        this.#id = given
        this.#untold = given
      },
      onRetry: retry && ((milliseconds) => retry.call(sink, milliseconds)),
      onComment: comment && ((text) => comment.call(sink, text)),
      onError: ({ type }) => {
        if (type === 'max-buffer-size-exceeded') this.#failure ??= tooLarge(limit)
      },
      // A full event and a line that is still to be judged.
      maxBufferSize: 2 * limit + 64
    })
    // TextDecoder removes the one byte-order mark that may be there. This ends the parser's own look for another.
    this.#parser.feed('\uFEFF')
  }

  /**
   * The next bytes.
   *
   * @throws {StreamError} TOO_LARGE: an event exceeds the limit; what came before it has been delivered
   */
  push(bytes: Uint8Array): void {
    this.text(this.#text.decode(bytes, { stream: true }))
  }

  /** The same, already decoded. */
  text(text: string): void {
    if (this.#failure === null) this.#parser.feed(text)
    this.#tellId()
    if (this.#failure !== null) throw this.#failure
  }

  #tellId(): void {
    const id = this.#untold
    this.#untold = null
    // Of an event that failed nothing is behind it.
    if (id !== null && this.#failure === null) this.#sink.id?.(id)
  }
}

function tooLarge(limit: number): StreamError {
  return new StreamError('TOO_LARGE', `The server sent an event of more than ${limit} characters`)
}
