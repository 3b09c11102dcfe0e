import { PayloadReader } from '../client/event-payload'
import { type Framing, makeFraming } from '../client/framing'
import type { Piece, StreamRecord } from '../shared/dashboard'
import { Ring } from '../shared/ring'
import { GapSeries } from './gaps'
import { GenerationSummary } from './generation'
import { SHOWN_BYTES, type SocketMessage, SocketMessages } from './socket-messages'

/** Of one view. */
export const LOG_BYTES = 8 * 1_048_576
export const LOG_ROWS = 50_000

/** Characters of the assembled text that are kept: its end. */
export const TEXT_CHARS = 200_000

/** Characters of one event, more of which no parser of pages takes either. */
const EVENT_CHARS = 4 * 1_048_576

/** Beside its text. */
const ROW_BYTES = 160

/** How a body is read: as events, as messages of a socket, or as the bytes that came. */
export type LogKind = 'sse' | 'ndjson' | 'socket' | 'bytes'

/** An event, a message, or a piece of a body. */
export interface LogRow {
  /** Counted from 1. */
  readonly number: number
  readonly direction: 'in' | 'out'
  /** On the wall clock, milliseconds. */
  readonly at: number
  /** Since the one before it; null for the first. */
  readonly gap: number | null
  /** What it calls itself. */
  readonly type: string
  /** Bytes or, of events, characters. */
  readonly size: number
  /** Somebody else's, as it came; the beginning of what is long. Null: nobody looked. */
  readonly text: string | null
}

export function logKindOf({ kind, mime }: StreamRecord): LogKind {
  if (kind === 'websocket') return 'socket'
  if (kind === 'generation' || mime === 'text/event-stream') return 'sse'
  return /ndjson|jsonl|json-lines|jsonlines|stream\+json/.test(mime) ? 'ndjson' : 'bytes'
}

/** What passes on one stream while its view is open, made readable. Bounded, whatever comes. */
export class StreamLog {
  readonly kind: LogKind
  readonly rows = new Ring<LogRow>({ count: LOG_ROWS, bytes: LOG_BYTES })
  readonly gaps = new GapSeries()
  readonly generation: GenerationSummary | null
  /** Bytes, as they were carried, that went by too fast to be shown. */
  missed = 0
  #text = ''
  #textCut = 0
  #number = 0
  #at = 0
  #framing: Framing | null = null
  /** What comes before the first end of an event is the rest of one that began unseen. */
  #aligned: boolean
  #held = ''
  #decoder = new TextDecoder()
  readonly #sent = new TextDecoder()
  #payload = new PayloadReader('sse', 'auto')
  readonly #sockets: { readonly in: SocketMessages; readonly out: SocketMessages }

  /** @param from how many bytes each way went before */
  constructor(record: StreamRecord, from: { readonly received: number; readonly sent: number }) {
    this.kind = logKindOf(record)
    this.generation = record.kind === 'generation' ? new GenerationSummary() : null
    this.#aligned = from.received === 0
    this.#sockets = {
      in: new SocketMessages(from.received === 0, (message) => this.#message('in', message)),
      out: new SocketMessages(from.sent === 0, (message) => this.#message('out', message))
    }
  }

  /** What the events add up to, or the body as text: its end. */
  get text(): string {
    return this.#text
  }

  /** Characters before that. */
  get textCut(): number {
    return this.#textCut
  }

  /** How many there were, of which `rows` has the newest. */
  get total(): number {
    return this.#number
  }

  /** @param plain its bytes; null if they are not there */
  add({ direction, at, size }: Piece, plain: Uint8Array<ArrayBuffer> | null): void {
    this.#at = at
    if (plain === null) this.#lose(direction, size)
    else if (this.kind === 'socket') this.#sockets[direction].push(plain)
    else if (direction === 'out') this.#row('out', 'sent', plain.length, this.#sent.decode(plain, { stream: true }))
    else {
      const text = this.#decoder.decode(plain, { stream: true })
      if (this.kind === 'bytes') {
        this.#row('in', 'piece', plain.length, text.slice(0, SHOWN_BYTES))
        this.#assemble(text)
      } else this.#events(text)
    }
  }

  #lose(direction: 'in' | 'out', size: number): void {
    this.missed += size
    this.#row(direction, 'not shown', size, null)
    this.#sockets[direction].lose()
    if (direction === 'out') return
    this.#aligned = false
    this.#framing = null
    this.#held = ''
    this.#decoder = new TextDecoder()
  }

  #events(text: string): void {
    const begun = this.#aligned ? text : this.#align(text)
    if (begun === '') return
    this.#framing ??= this.#frame()
    try {
      this.#framing.push(begun)
    } catch {
      // An event that is too large: what comes behind it can be read.
      this.#lose('in', 0)
    }
  }

  /** Skip to where an event begins. */
  #align(text: string): string {
    // Events mostly come whole, so the first piece begins with one where it looks like that.
    if (this.#held === '' && (this.kind === 'sse' ? /^(?:data|event|id|retry)?:/ : /^\s*[{[]/).test(text)) {
      this.#aligned = true
      return text
    }
    // The end of the last one, where a blank line may have been cut in two.
    const held = this.#held + text
    const end = this.kind === 'sse' ? /\r\n\r\n|\n\n|\r\r/.exec(held) : /\n/.exec(held)
    if (end === null) {
      this.#held = held.slice(-3)
      return ''
    }
    this.#aligned = true
    this.#held = ''
    return held.slice(end.index + end[0].length)
  }

  #frame(): Framing {
    this.#payload = new PayloadReader(this.kind === 'sse' ? 'sse' : 'ndjson', 'auto')
    return makeFraming(
      this.kind === 'sse' ? 'sse' : 'ndjson',
      {
        message: (message) => {
          const event = this.#read(message)
          this.#row('in', event?.type ?? message.event, message.data.length, message.data)
          if (event === null) return
          this.#assemble(event.text)
          this.generation?.add(event, this.#at)
        },
        unended: () => undefined,
        heartbeat: (comment) => this.#row('in', 'comment', comment.length, comment),
        retry: (ms) => this.#row('in', 'retry', 0, `${ms} ms`),
        id: () => undefined
      },
      EVENT_CHARS,
      ''
    )
  }

  #read(message: Parameters<PayloadReader['read']>[0]): ReturnType<PayloadReader['read']> | null {
    try {
      return this.#payload.read(message)
    } catch {
      // What should be JSON and is none is shown as it came.
      return null
    }
  }

  #message(direction: 'in' | 'out', { opcode, size, data }: SocketMessage): void {
    const type = opcode === 1 ? 'text' : opcode === 2 ? 'binary' : 'close'
    this.#row(direction, type, size, opcode === 1 ? new TextDecoder().decode(data) : hexOf(data, opcode === 8))
  }

  #row(direction: 'in' | 'out', type: string, size: number, text: string | null): void {
    this.#number += 1
    const gap = direction === 'in' ? this.gaps.add(this.#at) : null
    const shown = text === null || text.length <= SHOWN_BYTES ? text : text.slice(0, SHOWN_BYTES)
    const row = { number: this.#number, direction, at: this.#at, gap, type, size, text: shown }
    this.rows.add(row, ROW_BYTES + 2 * (type.length + (shown?.length ?? 0)))
  }

  #assemble(text: string): void {
    this.#text += text
    // Not at every event: a cut copies what is left.
    if (this.#text.length <= 2 * TEXT_CHARS) return
    this.#textCut += this.#text.length - TEXT_CHARS
    this.#text = this.#text.slice(-TEXT_CHARS)
  }
}

/** Of what is shown of bytes. */
const HEX_BYTES = 4_096

function hexOf(data: Uint8Array, close: boolean): string {
  if (close) {
    if (data.length < 2) return 'no code'
    const code = ((data[0] as number) << 8) | (data[1] as number)
    return `${code} ${new TextDecoder().decode(data.subarray(2))}`.trim()
  }
  const bytes = [...data.subarray(0, HEX_BYTES)].map((byte) => byte.toString(16).padStart(2, '0'))
  const lines: string[] = []
  for (let i = 0; i < bytes.length; i += 16) lines.push(bytes.slice(i, i + 16).join(' '))
  return lines.join('\n')
}
