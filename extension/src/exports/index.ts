// What a recording can be saved as. Every one of these begins with a recording, in which there are no credentials.

import { bodyOf, messagesOf, parseRecording, type RecordedStream, type Recording } from '../recording/file'
import { written } from '../recording/lines'
import { toCurl } from './curl'
import { answerText, eventsOf, isEventStream } from './events'
import { toHar } from './har'

export const FORMATS = ['recording', 'har', 'json', 'sse', 'curl', 'text'] as const
export type ExportFormat = (typeof FORMATS)[number]

interface Format {
  readonly ending: string
  readonly type: string
  /** @returns null where the recording has nothing of the kind */
  readonly write: (recording: Recording, version: string) => BlobPart[] | null
}

const indented = (value: unknown) => [`${JSON.stringify(value, null, 2)}\n`]

const TABLE: Readonly<Record<Exclude<ExportFormat, 'recording'>, Format>> = {
  har: { ending: 'har', type: 'application/json', write: (recording, version) => indented(toHar(recording, version)) },
  json: { ending: 'json', type: 'application/json', write: (recording) => indented(toJson(recording)) },
  sse: {
    ending: 'sse',
    type: 'text/event-stream',
    write: ({ streams }) => each(streams, (stream) => (isEventStream(stream) ? bodyOf(stream.down) : null), ': stream ')
  },
  curl: { ending: 'sh', type: 'text/x-shellscript', write: ({ streams }) => each(streams, toCurl, '# stream ') },
  text: { ending: 'txt', type: 'text/plain', write: ({ streams }) => each(streams, answerText, '--- stream ') }
}

/**
 * A recording's text in another form.
 *
 * @returns null where the recording has nothing of the kind
 * @throws {BadRecording} the text is none
 */
export function exportAs(format: ExportFormat, text: string, version: string): { blob: Blob; ending: string } | null {
  if (format === 'recording') return { blob: new Blob([text], { type: 'application/x-ndjson' }), ending: 'jsonl' }
  const { write, type, ending } = TABLE[format]
  const parts = write(parseRecording(text), version)
  return parts === null ? null : { blob: new Blob(parts, { type }), ending }
}

/** Of one stream what there is, of several each under its number. */
function each(
  streams: readonly RecordedStream[],
  write: (stream: RecordedStream) => BlobPart | null,
  title: string
): BlobPart[] | null {
  const parts = streams.flatMap((stream) => {
    const part = write(stream)
    if (part === null) return []
    return [streams.length === 1 ? [part] : [`${title}${stream.number}\n`, part, '\n']]
  })
  return parts.length === 0 ? null : parts.flat()
}

/** Heads, events, messages and ends: for programs that want neither bytes nor lines. */
export function toJson({ head, streams }: Recording): object {
  return {
    made_by: head.made_by,
    made_at: head.made_at,
    streams: streams.map((stream) => {
      const { request, response, up, down, end } = stream
      const { type: _request, stream: number, t: _began, ...asked } = request
      const isSocket = request.kind === 'websocket'
      return {
        stream: number,
        request: { ...asked, ...(isSocket || up.length === 0 ? {} : { body: written(bodyOf(up)) }) },
        response: response && {
          t: response.t,
          status: response.status,
          reason: response.reason,
          url: response.url,
          headers: response.headers
        },
        ...(isSocket ? { messages: messagesOfBoth(stream) } : bodyIn(stream)),
        pieces: down.map(({ t, data }) => [t, data.byteLength]),
        end: end && Object.fromEntries(Object.entries(end).filter(([name]) => name !== 'type' && name !== 'stream'))
      }
    })
  }
}

function bodyIn(stream: RecordedStream): object {
  if (!isEventStream(stream)) return { body: written(bodyOf(stream.down)), text: answerText(stream) }
  const events = eventsOf(stream).map(({ t, name, id, data }) => ({ t, name, id, data: jsonOr(data) }))
  return { events, text: answerText(stream) }
}

function messagesOfBoth({ up, down }: RecordedStream): object[] {
  const told = (way: string, parts: RecordedStream['up']) =>
    messagesOf(parts).map(({ t, opcode, data }) => ({
      t,
      way,
      opcode,
      ...(opcode === 2 ? { base64: data.toBase64() } : written(data))
    }))
  return [...told('up', up), ...told('down', down)].sort((a, b) => a.t - b.t)
}

/** How deep a value may be: of a server that nests more the text stays, for whoever writes values goes as deep as they are. */
const MAX_DEPTH = 200

function jsonOr(data: string): unknown {
  if (isDeep(data)) return data
  try {
    return JSON.parse(data)
  } catch {
    return data
  }
}

/** Whether brackets are nested deeper than that. Those in strings count, too: it is no loss. */
function isDeep(text: string): boolean {
  let depth = 0
  for (const [bracket] of text.matchAll(/[[\]{}]/g)) {
    depth += bracket === '[' || bracket === '{' ? 1 : -1
    if (depth > MAX_DEPTH) return true
  }
  return false
}
