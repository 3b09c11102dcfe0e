import { StreamError } from './errors'
import { type Framing, type FramingSink, makeFraming } from './framing'
import { mimeType } from './mime'
import type { Format } from './types'

/** What a content type promises; `look` where it promises nothing that can be relied on. */
const TYPES: Readonly<Record<string, Format | 'look'>> = {
  'text/event-stream': 'sse',
  'application/x-ndjson': 'ndjson',
  'application/ndjson': 'ndjson',
  'application/jsonl': 'ndjson',
  'application/x-jsonlines': 'ndjson',
  'application/json-lines': 'ndjson',
  'application/stream+json': 'ndjson',
  'application/json': 'json',
  // Servers send all sorts of streams under these.
  'text/plain': 'look',
  'application/octet-stream': 'look',
  '': 'look'
}

/** Characters that are looked at before a body without a telling type is taken for text. */
const LOOK_LIMIT = 65_536

/** Characters in which a web page that poses as an event stream shows itself. */
const PAGE_LIMIT = 1024

const FIELD = /^(?:data|event|id|retry)?:/
const MAYBE_FIELD = /^(?:d|da|dat|data|e|ev|eve|even|event|i|id|r|re|ret|retr|retry)?$/
const HTML = /^\s*<(?:!doctype\s+html|html)[\s>]/i
const MAYBE_HTML = /^\s*(?:<[^>\s]{0,8}(?:\s{0,8}[a-z]{0,4})?)?$/i

/**
 * The framing of a response's body: as the caller says, or as its content type does, or as it looks.
 *
 * @throws {StreamError} CONTENT_TYPE, HTML: no stream of events can be in there; HTML may also come out of `push`
 */
export function framingOf(
  response: Response,
  format: Format | 'auto',
  sink: FramingSink,
  limit: number,
  lastEventId: string
): Framing {
  const { status, headers } = response
  const make = (known: Format) => makeFraming(known, sink, limit, lastEventId)
  if (format === 'text') return make(format)
  if (format !== 'auto') return new NoPage(make(format), status)
  const type = mimeType(headers)
  if (type === 'text/html' || type === 'application/xhtml+xml') throw html(status)
  const known = Object.hasOwn(TYPES, type) ? TYPES[type] : type.endsWith('+json') ? 'json' : undefined
  if (known === undefined) {
    const text = `The server answered with "${type}", which is no format of events. If it is one, say which: format`
    throw new StreamError('CONTENT_TYPE', text, { status })
  }
  return known === 'sse' ? new NoPage(make('sse'), status) : new Looking(make, known, status)
}

/** Holds text back until it can be told what it is. */
class Looking implements Framing {
  readonly #make: (format: Format) => Framing
  /** What it says that it is, which need not be so: no JSON begins as an event stream does. */
  readonly #called: Format | 'look'
  readonly #status: number
  #held = ''
  #framing: Framing | null = null

  constructor(make: (format: Format) => Framing, called: Format | 'look', status: number) {
    this.#make = make
    this.#called = called
    this.#status = status
  }

  push(text: string): void {
    if (this.#framing !== null) return this.#framing.push(text)
    this.#held += text
    this.#decide(false)
  }

  end(): void {
    if (this.#framing === null) this.#decide(true)
    this.#framing?.end()
  }

  #decide(ended: boolean): void {
    const format = look(this.#held, this.#called, ended)
    if (format === null) return
    if (format === 'html') throw html(this.#status)
    this.#framing = this.#make(format)
    this.#framing.push(this.#held)
    this.#held = ''
  }
}

function look(held: string, called: Format | 'look', ended: boolean): Format | 'html' | null {
  const text = held.replace(/^[\r\n]+/, '')
  if (FIELD.test(text)) return 'sse'
  if (HTML.test(text)) return 'html'
  const over = ended || held.length > LOOK_LIMIT
  if (called === 'look' && text.startsWith('{')) {
    // Braces begin JSON lines, and prose and program text too: the first line tells.
    const end = text.indexOf('\n')
    if (end === -1 && !over) return null
    const line = end === -1 ? text : text.slice(0, end)
    return line.length <= LOOK_LIMIT && parses(line) ? 'ndjson' : 'text'
  }
  const otherwise = called === 'look' ? 'text' : called
  return !over && (MAYBE_FIELD.test(text) || MAYBE_HTML.test(text)) ? null : otherwise
}

function parses(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

/** No line of an event stream begins with `<html`: a parser would skip it all, and the page would see nothing, for ever. */
class NoPage implements Framing {
  readonly #inner: Framing
  readonly #status: number
  #begin: string | null = ''

  constructor(inner: Framing, status: number) {
    this.#inner = inner
    this.#status = status
  }

  push(text: string): void {
    if (this.#begin !== null) {
      this.#begin = (this.#begin + text).slice(0, PAGE_LIMIT)
      if (HTML.test(this.#begin)) throw html(this.#status)
      if (this.#begin.length === PAGE_LIMIT || !MAYBE_HTML.test(this.#begin)) this.#begin = null
    }
    this.#inner.push(text)
  }

  end(): void {
    this.#inner.end()
  }
}

function html(status: number): StreamError {
  const text = 'The server answered with a web page where a stream should be: a login form, or an error page of a proxy'
  return new StreamError('HTML', text, { status })
}
