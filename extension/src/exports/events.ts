// The events of a recorded body, each with the time of the piece that completed it.

import { PayloadReader } from '../client/event-payload'
import { framingOf } from '../client/format'
import { SseDecoder } from '../client/sse'
import type { RecordedStream } from '../recording/file'
import { fieldOf } from '../recording/lines'

export interface RecordedEvent {
  readonly t: number
  readonly name: string
  readonly id: string
  readonly data: string
}

/** Characters of one event; none of a recording is larger. */
const LIMIT = 64 * 1024 * 1024

export function typeOf({ response }: RecordedStream): string {
  return (
    fieldOf(response?.headers ?? [], 'content-type')
      .split(';', 1)[0]
      ?.trim()
      .toLowerCase() ?? ''
  )
}

export function isEventStream(stream: RecordedStream): boolean {
  return stream.request.kind !== 'websocket' && typeOf(stream) === 'text/event-stream'
}

/** Of an event stream, as the HTML standard dispatches them: one that no blank line ended is none. */
export function eventsOf(stream: RecordedStream): RecordedEvent[] {
  const events: RecordedEvent[] = []
  let now = 0
  const decoder = new SseDecoder(
    { message: ({ event, data, id }) => void events.push({ t: now, name: event, id, data }) },
    LIMIT
  )
  for (const { t, data } of stream.down) {
    now = t
    decoder.push(data)
  }
  return events
}

/**
 * The text of the answer in a body of any format that the client library knows (chat completions, responses, messages,
 * NDJSON, generations, plain text); null where the body has none.
 */
export function answerText(stream: RecordedStream): string | null {
  const { response, request, down } = stream
  if (response === null || request.kind === 'websocket' || response.status < 200) return null
  const type = fieldOf(response.headers, 'content-type')
  const answer = new Response(null, { status: 200, headers: type === '' ? {} : { 'content-type': type } })
  let text = ''
  let reader: PayloadReader | null = null
  const ignored = () => undefined
  try {
    const framing = framingOf(
      answer,
      'auto',
      {
        message: (message, format) => {
          reader ??= new PayloadReader(format, 'auto')
          text += reader.read(message).text
        },
        unended: ignored,
        heartbeat: ignored,
        retry: ignored,
        id: ignored
      },
      LIMIT,
      ''
    )
    const decoder = new TextDecoder()
    for (const { data } of down) framing.push(decoder.decode(data, { stream: true }))
    framing.push(decoder.decode())
    framing.end()
  } catch {
    // A body that is no stream of events, or no more: what came before is the answer.
  }
  return text === '' ? null : text
}
