import type * as bridge from '../protocol/bridge'
import { KIB, MAX_FRAME_TO_HOST, MAX_HEADERS_CHARS, MAX_URL_CHARS } from '../protocol/constants'
import type * as native from '../protocol/native'
import { DURABLE_URL, GENERATE_URL } from '../shared/names'
import { concernsDurable, isDesk } from './durable'

/** A message of the page about one stream, after its start. */
export type StreamCommand = Exclude<
  bridge.FromPage,
  bridge.StreamStartFields | bridge.StatusRequestFields | bridge.DirectOffer | bridge.DirectTaken
>

/** A message of the host about one stream. */
export type StreamReport = Exclude<
  native.FromHost,
  native.Welcome | native.StreamPing | native.Policy | native.Fatal | native.Status
>

/** The same, as the page gets it. */
export type StreamReportToPage = Exclude<
  bridge.ToPage,
  bridge.Status | bridge.Waiting | bridge.BridgeLost | bridge.DirectOpen
>

/** The page asked for something that the protocol does not carry. The text is for the page. */
export class Refused extends Error {}

/** A canonical URL of a WebSocket. */
const SOCKET_URL = /^wss?:/

const CARRIED = ['http:', 'https:', 'ws:', 'wss:']

/** The most that a UTF-16 unit of text becomes in a frame: JSON escapes a control character, as in `\u0001`. */
const MAX_BYTES_PER_CHAR = 6

/** More than names, punctuation and numbers of a STREAM_START take, those of its 256 header pairs among them. */
const MAX_BYTES_BESIDE_TEXT = 4 * KIB

/**
 * The page's STREAM_START as the host gets it: the host's id, the page as the browser attests it, the URL as the
 * browser's own parser understands it, bytes as base64.
 *
 * @param profile the host is told where it has to be: an older one does not know the word
 * @throws {Refused}
 */
export function startToHost(
  fields: bridge.StreamStartFields,
  hostId: number,
  page: native.Page,
  profile: string | null = null
): native.StreamStart {
  const chars = headerChars(fields.headers)
  if (chars > MAX_HEADERS_CHARS) {
    throw new Refused(`The request headers have ${chars} characters; the limit is ${MAX_HEADERS_CHARS}.`)
  }
  const { type, method, headers, redirect, timeouts, protocols, durable } = fields
  const generation = fields.url === GENERATE_URL
  const desk = isDesk(fields.url)
  // Field by field: what the host is told of beside the page's request, such as `page` and `kind`, is the worker's to say.
  const start: native.StreamStart = {
    type,
    id: hostId,
    method,
    url: generation || desk ? checkLength(fields.url) : canonicalUrl(fields.url),
    headers,
    body: bodyToHost(fields.body),
    redirect,
    timeouts,
    page: profile !== null && concernsDurable(fields) ? { ...page, profile } : page
  }
  if (generation) start.kind = 'generation'
  if (desk) start.kind = 'durable'
  if (SOCKET_URL.test(start.url)) start.kind = 'websocket'
  if (protocols !== undefined) start.protocols = protocols
  if (durable !== undefined) {
    checkDurable(start)
    start.durable = durable
  }
  checkFrame(start)
  return start
}

function checkDurable({ kind, body }: native.StreamStart): void {
  if (kind === 'websocket') throw new Refused('A WebSocket cannot be durable.')
  if (kind === 'durable') throw new Refused(`What is asked of ${DURABLE_URL} cannot be durable itself.`)
  if (body.kind === 'stream' && body.size === undefined) {
    throw new Refused('A durable request needs a body that is whole: text, bytes, a Blob or FormData, and no stream.')
  }
}

function headerChars(headers: readonly [string, string][]): number {
  let chars = 0
  for (const [name, value] of headers) chars += name.length + value.length
  return chars
}

/**
 * Every field is within its bounds by now, but all of them at their bounds are more than a frame may hold, and the host
 * has no way to go on behind a frame that it cannot read: every page's streams would end.
 */
function checkFrame(start: native.StreamStart): void {
  const { method, url, headers, body, page, protocols = [] } = start
  const offered = protocols.reduce((length, protocol) => length + protocol.length, 0)
  const attested = page.origin.length + page.document.length + (page.profile?.length ?? 0)
  const key = start.durable?.key.length ?? 0
  const chars = method.length + url.length + headerChars(headers) + attested + offered + key
  const base64Chars = body.kind === 'inline' ? body.data.length : 0
  if (chars * MAX_BYTES_PER_CHAR + base64Chars + MAX_BYTES_BESIDE_TEXT <= MAX_FRAME_TO_HOST) return
  // Chromium writes to the host what JSON.stringify gives, as UTF-8.
  const bytes = new TextEncoder().encode(JSON.stringify(start)).length
  if (bytes <= MAX_FRAME_TO_HOST) return
  throw new Refused(`The request takes ${bytes} bytes as a message to the host; the limit is ${MAX_FRAME_TO_HOST}.`)
}

/** http(s) or ws(s), absolute, without credentials; the fragment is dropped, as every user agent does before it sends. */
function canonicalUrl(text: string): string {
  const url = URL.parse(text)
  if (url === null) throw new Refused('The URL is not an absolute URL.')
  if (!CARRIED.includes(url.protocol)) {
    throw new Refused(`Longwire carries http: and https:, ws: and wss: only, not ${url.protocol}`)
  }
  if (url.username !== '' || url.password !== '') throw new Refused('The URL includes credentials.')
  url.hash = ''
  return checkLength(url.href)
}

function checkLength(url: string): string {
  if (url.length <= MAX_URL_CHARS) return url
  // The page's own text may be nine times shorter: escapes and punycode.
  throw new Refused(`The URL has ${url.length} characters in its canonical form; the limit is ${MAX_URL_CHARS}.`)
}

function bodyToHost(body: bridge.StreamStartFields['body']): native.StreamStart['body'] {
  return body.kind === 'inline' ? { kind: 'inline', data: body.data.toBase64() } : body
}

/** A later message of the page, under the host's id. */
export function commandToHost(command: StreamCommand, hostId: number): native.ToHost {
  return command.type === 'STREAM_BODY'
    ? { ...command, id: hostId, data: command.data.toBase64() }
    : { ...command, id: hostId }
}

/**
 * A message of the host, under the page's id and without what is the worker's to know. The message is changed in place: it
 * is ours alone, and this is the path of every body byte.
 *
 * @throws {SyntaxError} the bytes are not base64
 */
export function reportToPage(report: StreamReport, pageId: number): StreamReportToPage {
  report.id = pageId
  if (report.type === 'STREAM_HEADERS') {
    const { recordable: _recordable, grant: _grant, ...told } = report
    return told
  }
  if (report.type === 'STREAM_ERROR') {
    const { grant: _grant, ...told } = report
    return told
  }
  if (report.type !== 'STREAM_CHUNK') return report
  const chunk = report as unknown as bridge.StreamChunk
  chunk.data = Uint8Array.fromBase64(report.data)
  return chunk
}

/** Up to which offset a message speaks of bytes, sent or consumed; 0 if it speaks of none. */
export function offsetOf(message: StreamCommand | bridge.StreamBodyAck | bridge.StreamBodyAgain): number {
  switch (message.type) {
    case 'STREAM_BODY':
      return message.offset + message.data.byteLength
    case 'STREAM_BODY_END':
      return message.bytes
    case 'STREAM_ACK':
    case 'STREAM_BODY_ACK':
      return message.consumed
    default:
      return 0
  }
}
