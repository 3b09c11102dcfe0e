import type * as bridge from '../protocol/bridge'
import { MAX_HEADERS_CHARS } from '../protocol/constants'
import type * as native from '../protocol/native'

/** A message of the page about one stream, after its start. */
export type StreamCommand = Exclude<bridge.FromPage, bridge.StreamStartFields | bridge.StatusRequestFields>

/** A message of the host about one stream. */
export type StreamReport = Exclude<
  native.FromHost,
  native.Welcome | native.StreamPing | native.Policy | native.Fatal | native.Status
>

/** The page asked for something that the protocol does not carry. The text is for the page. */
export class Refused extends Error {}

/**
 * The page's STREAM_START as the host gets it: the host's id, the page as the browser attests it, the URL as the
 * browser's own parser understands it, bytes as base64.
 *
 * @throws {Refused}
 */
export function startToHost(fields: bridge.StreamStartFields, hostId: number, page: native.Page): native.StreamStart {
  let chars = 0
  for (const [name, value] of fields.headers) chars += name.length + value.length
  if (chars > MAX_HEADERS_CHARS) {
    throw new Refused(`The request headers have ${chars} characters; the limit is ${MAX_HEADERS_CHARS}.`)
  }
  return { ...fields, id: hostId, url: canonicalUrl(fields.url), body: bodyToHost(fields.body), page }
}

/** http(s), absolute, without credentials; the fragment is dropped, as every user agent does before it sends. */
function canonicalUrl(text: string): string {
  const url = URL.parse(text)
  if (url === null) throw new Refused('The URL is not an absolute URL.')
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    throw new Refused(`Longwire carries http: and https: only, not ${url.protocol}`)
  }
  if (url.username !== '' || url.password !== '') throw new Refused('The URL includes credentials.')
  url.hash = ''
  return url.href
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
 * A message of the host, under the page's id. The message is changed in place: it is ours alone, and this is the path of
 * every body byte.
 *
 * @throws {SyntaxError} the bytes are not base64
 */
export function reportToPage(report: StreamReport, pageId: number): bridge.ToPage {
  report.id = pageId
  if (report.type !== 'STREAM_CHUNK') return report
  const chunk = report as unknown as bridge.StreamChunk
  chunk.data = Uint8Array.fromBase64(report.data)
  return chunk
}
