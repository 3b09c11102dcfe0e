// HAR 1.2, as Chromium's developer tools read it: http://www.softwareishard.com/blog/har-12-spec/. Events and messages are in
// fields of their own, with the time of day in seconds.

import { bodyOf, messagesOf, type RecordedBytes, type RecordedStream, type Recording } from '../recording/file'
import { fieldOf, written } from '../recording/lines'
import { eventsOf, isEventStream } from './events'

interface NameValue {
  readonly name: string
  readonly value: string
}

const UNKNOWN = -1
const SECOND_MS = 1000

export function toHar({ head, streams }: Recording, version: string): object {
  const creator = { name: 'Longwire', version }
  return {
    log: { version: '1.2', creator, comment: `recorded by ${head.made_by}`, pages: [], entries: streams.map(entryOf) }
  }
}

function entryOf(stream: RecordedStream): object {
  const { request, response, end } = stream
  const last = end?.t ?? Math.max(stream.last.down, stream.last.up)
  const wait = response?.t ?? last
  const receive = Math.max(0, last - wait)
  return {
    startedDateTime: new Date(request.at).toISOString(),
    time: wait + receive,
    request: requestOf(stream),
    response: responseOf(stream),
    cache: {},
    timings: { blocked: UNKNOWN, dns: UNKNOWN, connect: UNKNOWN, ssl: UNKNOWN, send: 0, wait, receive },
    _resourceType: request.kind === 'websocket' ? 'websocket' : isEventStream(stream) ? 'eventsource' : 'fetch',
    ...(isEventStream(stream) ? { _eventSourceMessages: eventSourceMessages(stream) } : {}),
    ...(request.kind === 'websocket' ? { _webSocketMessages: webSocketMessages(stream) } : {}),
    ...(end?.how === 'error' ? { _error: end.code } : {}),
    ...commentOf(stream)
  }
}

function requestOf({ request, up }: RecordedStream): object {
  const { method, url, headers } = request
  const body = bodyOf(up)
  const hasBody = request.kind !== 'websocket' && body.byteLength > 0
  return {
    method,
    url,
    httpVersion: 'HTTP/1.1',
    cookies: [],
    headers: pairs(headers),
    queryString: queryOf(url),
    headersSize: UNKNOWN,
    bodySize: hasBody ? body.byteLength : 0,
    ...(hasBody ? { postData: postData(fieldOf(headers, 'content-type'), body) } : {})
  }
}

function postData(mimeType: string, body: Uint8Array<ArrayBuffer>): object {
  const text = written(body)
  return 'text' in text ? { mimeType, ...text } : { mimeType, text: text.base64, _encoding: 'base64' }
}

function responseOf({ request, response, down }: RecordedStream): object {
  const isSocket = request.kind === 'websocket'
  const body = isSocket ? new Uint8Array() : bodyOf(down)
  const text = written(body)
  const headers = response?.headers ?? []
  return {
    // 0 is what the developer tools have where there was no answer.
    status: response?.status ?? 0,
    statusText: response?.reason ?? '',
    httpVersion: 'HTTP/1.1',
    cookies: [],
    // The body is as the page saw it, after decoding.
    headers: pairs(headers.filter(([name]) => !OF_THE_CODED.has(name.toLowerCase()))),
    content: {
      size: body.byteLength,
      mimeType: fieldOf(headers, 'content-type') || 'x-unknown',
      ...(isSocket ? {} : 'text' in text ? text : { text: text.base64, encoding: 'base64' })
    },
    redirectURL: '',
    headersSize: UNKNOWN,
    bodySize: UNKNOWN
  }
}

const OF_THE_CODED: ReadonlySet<string> = new Set(['content-encoding', 'content-length', 'transfer-encoding'])

/** The time of day of a moment of a stream, in seconds. */
function timeOf({ request }: RecordedStream, t: number): number {
  const micros = Number(request.at.slice(request.at.lastIndexOf('.') + 1, -1).padEnd(6, '0'))
  const seconds = Date.parse(request.at.replace(/\.\d+Z$/, 'Z')) / SECOND_MS
  return Number((seconds + micros / 1e6 + t / SECOND_MS).toFixed(6))
}

function eventSourceMessages(stream: RecordedStream): object[] {
  return eventsOf(stream).map(({ t, name, id, data }) => ({
    time: timeOf(stream, t),
    eventName: name,
    eventId: id,
    data
  }))
}

function webSocketMessages(stream: RecordedStream): object[] {
  const told = (type: 'send' | 'receive', parts: readonly RecordedBytes[]) =>
    messagesOf(parts)
      .filter(({ opcode }) => opcode !== CLOSE)
      .map(({ t, opcode, data }) => {
        const text = opcode === TEXT ? new TextDecoder().decode(data) : data.toBase64()
        return { type, time: timeOf(stream, t), opcode, data: text }
      })
  return [...told('send', stream.up), ...told('receive', stream.down)].sort((a, b) => a.time - b.time)
}

const TEXT = 1
const CLOSE = 8

function commentOf({ end, masked, request }: RecordedStream): { comment?: string } {
  const said = [
    end === null ? 'still open when the recording was saved' : null,
    end?.how === 'stopped' ? 'stopped by the page' : null,
    end?.how === 'full' ? 'the recording was full' : null,
    end?.how === 'error' ? (end.message ?? null) : null,
    request.joined === undefined ? null : `recorded from byte ${request.joined} on`,
    masked ? 'credentials in the bodies are asterisks' : null
  ].filter((each) => each !== null)
  return said.length > 0 ? { comment: said.join('; ') } : {}
}

function pairs(headers: readonly (readonly [string, string])[]): NameValue[] {
  return headers.map(([name, value]) => ({ name, value }))
}

function queryOf(url: string): NameValue[] {
  return [...(URL.parse(url)?.searchParams ?? [])].map(([name, value]) => ({ name, value }))
}
