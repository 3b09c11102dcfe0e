import type { StreamHeaders, StreamStart } from '../protocol/native'
import type { RecordedEnd, RecordingLine } from '../protocol/recording'
import { Redaction } from '../recording/credentials'
import { fieldOf, inLines, rounded, timeOfDay, written } from '../recording/lines'
import { Masking, type Timed } from '../recording/masking'
import { type MessagePart, SocketParts } from '../recording/socket-parts'
import type { ObservedStream, StreamEnding } from './observer'

type Bytes = Uint8Array<ArrayBuffer>
type Way = 'up' | 'down'

/** What a request's head is made of, while its stream lives. */
export type RequestHead = Pick<StreamStart, 'headers' | 'kind' | 'protocols'>

/** One stream of a recording: what happened to it, as lines without credentials. Times are on `performance.now()`'s clock. */
export class RecordedTrack {
  /** Of the stream in its recording; 0 until it is known that it may be there. */
  number = 0
  readonly #stream: ObservedStream
  readonly #redaction: Redaction
  /** The stream's own becomes where the bytes come from. */
  readonly #url: string
  readonly #isSocket: boolean
  readonly #bodies: Partial<Record<Way, Masking>> = {}
  readonly #sockets: Record<Way, SocketParts> = { up: new SocketParts(), down: new SocketParts() }
  readonly #open: Record<Way, MessagePart['opcode'] | 0> = { up: 0, down: 0 }

  /** @param needles the credentials that the recording has seen */
  constructor(stream: ObservedStream, kind: string | undefined, needles: Set<string>) {
    this.#redaction = new Redaction(needles)
    this.#stream = stream
    this.#url = stream.url
    this.#isSocket = kind === 'websocket'
  }

  /** @param joined bytes of the response that passed before; undefined if the stream begins with the recording */
  request({ headers, kind, protocols }: RequestHead, joined?: number): RecordingLine[] {
    const { method, page, startedAt } = this.#stream
    if (joined === undefined) this.#bodies.up = this.#masking('up', fieldOf(headers, 'content-type'))
    const line: RecordingLine = {
      type: 'request',
      ...this.#at(startedAt),
      at: timeOfDay(startedAt),
      kind: (kind ?? 'http') as 'http',
      page: page.origin,
      method,
      url: this.#redaction.url(this.#url),
      headers: this.#redaction.headers(headers)
    }
    if (protocols !== undefined) line.protocols = this.#redaction.protocols(protocols)
    if (joined !== undefined) line.joined = joined
    return [line]
  }

  response({ url, redirected, status, reason, headers }: Readonly<StreamHeaders>, at: number): RecordingLine[] {
    this.#bodies.down = this.#masking('down', fieldOf(headers, 'content-type'))
    const redacted = { url: this.#redaction.url(url), headers: this.#redaction.headers(headers) }
    return [{ type: 'response', ...this.#at(at), redirected, status, reason, ...redacted }]
  }

  bytes(way: Way, at: number, data: Bytes): RecordingLine[] {
    if (this.#isSocket) return this.#messages(way, at, data)
    const body = this.#bodies[way]
    if (body === undefined) return []
    const t = this.#at(at).t
    return [...inLines(data)].flatMap((part) => this.#pieces(way, body.push(part, t)))
  }

  /** The request's body begins anew. */
  again(at: number): RecordingLine[] {
    this.#bodies.up?.end()
    return [{ type: 'again', ...this.#at(at) }]
  }

  end(ending: StreamEnding | 'full' | null, at: number): RecordingLine[] {
    const rest = (['up', 'down'] as const).flatMap((way) =>
      this.#isSocket ? [] : this.#pieces(way, this.#bodies[way]?.end() ?? [])
    )
    if (ending === null) return rest
    return [...rest, { type: 'end', ...this.#at(at), ...this.#said(ending) } as RecordedEnd]
  }

  #said(ending: StreamEnding | 'full'): Partial<RecordedEnd> {
    if (ending === 'full') return { how: 'full' }
    if (ending.how === 'end') return { how: 'whole', bytes: ending.bytes, completeness: ending.completeness }
    if (ending.how === 'abort') return { how: 'stopped', ...(ending.reason === null ? {} : { reason: ending.reason }) }
    let { message } = ending
    for (const needle of this.#redaction.needles) message = message.replaceAll(needle, '*')
    return { how: 'error', code: ending.code, message, phase: ending.phase }
  }

  #messages(way: Way, at: number, data: Bytes): RecordingLine[] {
    const parts = this.#sockets[way].push(data) ?? []
    return parts.flatMap((part) => {
      // Of a text what is JSON is looked through; of bytes what the heads had.
      if (this.#open[way] !== part.opcode) {
        this.#bodies[way] = this.#masking(way, part.opcode === 1 ? 'application/json' : 'application/octet-stream')
      }
      this.#open[way] = part.last ? 0 : part.opcode
      return this.#partOf(way, part, this.#at(at).t)
    })
  }

  #partOf(way: Way, { opcode, data, last }: MessagePart, t: number): RecordingLine[] {
    const body = this.#bodies[way] as Masking
    const pieces = data.byteLength === 0 ? body.push(data, t) : [...inLines(data)].flatMap((each) => body.push(each, t))
    if (last) pieces.push(...body.end())
    return pieces.map((piece, index) => ({
      type: 'message',
      ...this.#line(way, piece),
      opcode,
      ...(last && index === pieces.length - 1 ? {} : { more: true as const })
    }))
  }

  #pieces(way: Way, pieces: Timed[]): RecordingLine[] {
    return pieces.map((piece) => ({ type: 'piece', ...this.#line(way, piece) }))
  }

  #line(way: Way, { data, t, masked }: Timed) {
    return { stream: this.number, t, way, ...written(data), ...(masked ? { masked: true as const } : {}) }
  }

  #masking(way: Way, contentType: string): Masking {
    return new Masking(way, this.#redaction.needles, contentType)
  }

  #at(at: number): { stream: number; t: number } {
    return { stream: this.number, t: rounded(at - this.#stream.startedAt) }
  }
}
