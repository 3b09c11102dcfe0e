import { BareErrors } from './bare'
import { StreamError } from './errors'
import { SseDecoder, type SseMessage } from './sse'
import type { Format } from './types'

/** Where the messages of a body go. */
export interface FramingSink {
  /** NDJSON lines, JSON documents and pieces of text have the name `message` and no id. */
  message(message: SseMessage, format: Format): void
  /** The last event of an event stream, which no blank line ended: for the standard, it is none. */
  unended(message: SseMessage): void
  /** A comment of an event stream. */
  heartbeat(text: string): void
  /** The reconnection time that the server asks for, milliseconds. */
  retry(milliseconds: number): void
  /** The last event id, after the event that brought it, if one did. */
  id(id: string): void
}

/** Text in, messages out, whatever the text is cut into. */
export interface Framing {
  /** @throws {StreamError} TOO_LARGE */
  push(text: string): void
  /** The text ends here. */
  end(): void
}

/** @param limit characters of one message */
export function makeFraming(format: Format, sink: FramingSink, limit: number, lastEventId: string): Framing {
  switch (format) {
    case 'sse':
      return new EventStreamFraming(sink, limit, lastEventId)
    case 'ndjson':
      return new Lines(sink, limit)
    case 'json':
      return new Whole(sink, limit)
    case 'text':
      return { push: (text) => text !== '' && give(sink, text, format), end: () => undefined }
  }
}

class EventStreamFraming implements Framing {
  readonly #decoder: SseDecoder
  readonly #sink: FramingSink
  readonly #bare = new BareErrors()
  #id: string
  #ended = false

  constructor(sink: FramingSink, limit: number, lastEventId: string) {
    this.#sink = sink
    this.#id = lastEventId
    const events = {
      message: (message: SseMessage) => {
        if (this.#ended) sink.unended({ ...message, id: this.#id })
        else sink.message(message, 'sse')
      },
      comment: (text: string) => !this.#ended && sink.heartbeat(text),
      retry: (milliseconds: number) => !this.#ended && sink.retry(milliseconds),
      id: (id: string) => {
        if (this.#ended) return
        this.#id = id
        sink.id(id)
      }
    }
    this.#decoder = new SseDecoder(events, limit, lastEventId)
  }

  push(text: string): void {
    let start = 0
    for (let found = this.#bare.find(text, 0); found !== null; found = this.#bare.find(text, start)) {
      this.#decoder.text(text.slice(start, found.end))
      start = found.end
      this.#error(found.json)
    }
    this.#decoder.text(text.slice(start))
  }

  end(): void {
    const error = this.#bare.end()
    if (error !== null) this.#error(error)
    this.#ended = true
    try {
      this.#decoder.text('\n\n')
    } catch {
      // Too large, and cut off: none.
    }
  }

  #error(data: string): void {
    this.#sink.message({ event: 'error', data, id: this.#id }, 'sse')
  }
}

/** Newline-delimited JSON: one message a line, blank lines skipped, the last line with or without its end. */
class Lines implements Framing {
  readonly #sink: FramingSink
  readonly #limit: number
  readonly #rest: Pieces

  constructor(sink: FramingSink, limit: number) {
    this.#sink = sink
    this.#limit = limit
    // A carriage return before the line feed is part of the end.
    this.#rest = new Pieces(limit, 1)
  }

  push(text: string): void {
    let start = 0
    for (let end = text.indexOf('\n'); end !== -1; end = text.indexOf('\n', start)) {
      this.#rest.add(text.slice(start, end))
      this.#line(this.#rest.take())
      start = end + 1
    }
    this.#rest.add(text.slice(start))
  }

  end(): void {
    this.#line(this.#rest.take())
  }

  #line(line: string): void {
    const bare = line.endsWith('\r') ? line.slice(0, -1) : line
    if (bare.length > this.#limit) throw tooLarge(this.#limit)
    if (bare.trim() !== '') give(this.#sink, bare, 'ndjson')
  }
}

class Whole implements Framing {
  readonly #sink: FramingSink
  readonly #pieces: Pieces

  constructor(sink: FramingSink, limit: number) {
    this.#sink = sink
    this.#pieces = new Pieces(limit)
  }

  push(text: string): void {
    this.#pieces.add(text)
  }

  end(): void {
    const text = this.#pieces.take()
    if (text.trim() !== '') give(this.#sink, text, 'json')
  }
}

/** Text that grows: joined once, so that a long line in many small pieces costs what its length is. */
class Pieces {
  readonly #limit: number
  readonly #slack: number
  #pieces: string[] = []
  #length = 0

  constructor(limit: number, slack = 0) {
    this.#limit = limit
    this.#slack = slack
  }

  add(piece: string): void {
    this.#length += piece.length
    if (this.#length > this.#limit + this.#slack) throw tooLarge(this.#limit)
    if (piece !== '') this.#pieces.push(piece)
  }

  take(): string {
    const text = this.#pieces.join('')
    this.#pieces = []
    this.#length = 0
    return text
  }
}

function give(sink: FramingSink, data: string, format: Format): void {
  sink.message({ event: 'message', data, id: '' }, format)
}

function tooLarge(limit: number): StreamError {
  return new StreamError('TOO_LARGE', `The server sent a message of more than ${limit} characters`)
}
