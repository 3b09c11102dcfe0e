import { StreamError } from './errors'
import type { Format } from './framing'
import type { SseMessage } from './sse'

/** The types that this library knows the meaning of. Any other passes through. */
export type KnownEventType =
  | 'text'
  | 'tool_call'
  | 'tool_result'
  | 'status'
  | 'progress'
  | 'metadata'
  | 'content'
  | 'done'
  | 'complete'
  | 'error'
  | 'heartbeat'

/** One event of a stream, whatever format it came in. */
export interface StreamEvent {
  /** What the payload says that it is, else the name of the event, else `message`. */
  readonly type: KnownEventType | (string & {})
  /** The payload: of `{ type, data }` its `data`, of other JSON all of it, else the text. */
  readonly data: unknown
  /** What it adds to the text of the answer; empty for events that carry none. */
  readonly text: string
  /** The data as they came. */
  readonly raw: string
  /** The `event` field of an event stream, `message` if there is none. */
  readonly name: string
  /** The last event id so far, empty if there was none. */
  readonly id: string
}

type Json = Readonly<Record<string, unknown>>

/** What kinds of payload a stream has is known after its first event. */
export class PayloadReader {
  readonly #format: Format
  #json: boolean

  /** @param json whether data are JSON; `auto`: from the first event on that is a JSON object */
  constructor(format: Format, json: boolean | 'auto') {
    this.#format = format
    this.#json = json === true || format === 'ndjson' || format === 'json'
    if (json === false) this.#format = 'text'
  }

  /** @throws {StreamError} BAD_JSON */
  read(message: SseMessage): StreamEvent {
    const { data: raw, event: name, id } = message
    const event = (type: string, data: unknown, text: string): StreamEvent => ({ type, data, text, raw, name, id })
    if (raw === '[DONE]' && this.#format !== 'text') return event('done', null, '')
    const value = this.#format === 'text' ? undefined : this.#parse(raw)
    if (value === undefined) {
      const type = this.#format === 'text' && name === 'message' ? 'text' : name
      return event(type, raw, TEXT_TYPES.has(type) || type === 'message' ? raw : '')
    }
    if (!isObject(value)) return event(name, value, typeof value === 'string' && isText(name) ? value : '')
    const type = typeOf(value, name)
    return event(type, dataOf(value), textOf(value, type))
  }

  #parse(raw: string): unknown {
    if (!this.#json && !raw.startsWith('{')) return undefined
    try {
      const value: unknown = JSON.parse(raw)
      this.#json = true
      return value
    } catch (cause) {
      if (!this.#json) return undefined
      const begin = raw.slice(0, 200)
      throw new StreamError('BAD_JSON', 'The server sent an event that is not valid JSON', { body: begin, cause })
    }
  }
}

const TEXT_TYPES: ReadonlySet<string> = new Set(['text', 'content', 'chunk', 'token', 'delta'])
const HEARTBEATS: ReadonlySet<string> = new Set(['heartbeat', 'ping', 'keepalive', 'keep-alive'])

function isText(type: string): boolean {
  return TEXT_TYPES.has(type) || type === 'message'
}

/** Whether an event only says that the server is still there. */
export function isHeartbeat({ type, name }: StreamEvent): boolean {
  return HEARTBEATS.has(type) || HEARTBEATS.has(name)
}

/** Whether the answer is whole when this event has come. */
export function isEnd({ type }: StreamEvent): boolean {
  return type === 'done' || type === 'complete' || type === 'message_stop' || type === 'response.completed'
}

/** What an `error` event says, for people. */
export function errorText({ data, raw }: StreamEvent): string {
  const inner = isObject(data) && isObject(data['error']) ? data['error'] : data
  const text = isObject(inner) ? inner['message'] : inner
  return typeof text === 'string' ? text : raw.slice(0, 200)
}

function typeOf(payload: Json, name: string): string {
  const { type, chunk, choices, error, done } = payload
  // The legacy form calls its pieces all sorts of names.
  if (typeof chunk === 'string') return typeof type !== 'string' || type === 'chunk' ? 'text' : type
  if (typeof type === 'string') return type
  if (error !== undefined && error !== null) return 'error'
  if (Array.isArray(choices)) return choiceType(choices[0])
  if (done === true) return 'done'
  if (typeof done === 'boolean') return 'text'
  return name
}

/** Of an OpenAI chat completion, whole or in pieces. */
function choiceType(choice: unknown): string {
  if (!isObject(choice)) return 'metadata'
  const delta = choice['delta'] ?? choice['message']
  return isObject(delta) && Array.isArray(delta['tool_calls']) ? 'tool_call' : 'text'
}

function dataOf(payload: Json): unknown {
  if (typeof payload['chunk'] === 'string') return payload['chunk']
  return typeof payload['type'] === 'string' && Object.hasOwn(payload, 'data') ? payload['data'] : payload
}

/** The text in a payload, in the forms that services document. */
function textOf(payload: Json, type: string): string {
  const { chunk, data, choices, delta, message, response, text, content } = payload
  if (typeof chunk === 'string') return isText(type) ? chunk : ''
  if (Array.isArray(choices)) {
    const choice: unknown = choices[0]
    return isObject(choice) ? first(member(choice['delta'] ?? choice['message'], 'content'), choice['text']) : ''
  }
  if (type === 'content_block_delta') return first(member(delta, 'text'))
  if (type === 'response.output_text.delta') return first(delta)
  if (typeof payload['done'] === 'boolean') return first(member(message, 'content'), response)
  if (!isText(type)) return ''
  return first(data, member(data, 'text'), member(data, 'content'), text, content, delta)
}

function member(value: unknown, name: string): unknown {
  return isObject(value) ? value[name] : undefined
}

function first(...values: unknown[]): string {
  return (values.find((value) => typeof value === 'string') as string | undefined) ?? ''
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
