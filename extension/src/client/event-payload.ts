import { StreamError } from './errors'
import type { SseMessage } from './sse'
import type { Format } from './types'

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
    if (this.#format === 'text') {
      const type = name === 'message' ? 'text' : name
      return event(type, raw, isText(type) ? raw : '')
    }
    const trimmed = raw.trim()
    if (trimmed === '[DONE]') return event('done', null, '')
    if (trimmed === '' && this.#json) return event(name, raw, '')
    const value = this.#parse(raw, trimmed, name)
    if (value === undefined) return event(name, raw, isText(name) ? raw : '')
    if (!isObject(value)) return event(name, value, typeof value === 'string' && isText(name) ? value : '')
    const type = typeOf(value, name)
    return event(type, dataOf(value), textOf(value, type))
  }

  #parse(raw: string, trimmed: string, name: string): unknown {
    if (!this.#json && !trimmed.startsWith('{')) return undefined
    try {
      const value: unknown = JSON.parse(raw)
      // A sign of life says nothing of what the others are.
      this.#json ||= !HEARTBEATS.has(name)
      return value
    } catch (cause) {
      // Words, beside a name that says enough.
      if (!this.#json || BRIEF.has(name) || (NAMED.has(name) && !/^[{[]/.test(trimmed))) return undefined
      const begin = raw.slice(0, 200)
      throw new StreamError('BAD_JSON', 'The server sent an event that is not valid JSON', { body: begin, cause })
    }
  }
}

const TEXT_TYPES: ReadonlySet<string> = new Set(['text', 'content', 'chunk', 'token', 'delta'])
const HEARTBEATS: ReadonlySet<string> = new Set(['heartbeat', 'ping', 'keepalive', 'keep-alive'])
/** Names that say what an event is even where its data are broken. */
const BRIEF: ReadonlySet<string> = new Set([...HEARTBEATS, 'error', 'done', 'complete', 'llm_complete'])
/** Names that say what an event is, whatever its data call themselves. */
const NAMED: ReadonlySet<string> = new Set([
  ...BRIEF,
  'text',
  'content',
  'chunk',
  'tool_call',
  'tool_result',
  'status',
  'progress',
  'metadata'
])

function isText(type: string): boolean {
  return TEXT_TYPES.has(type) || type === 'message'
}

/** Whether an event only says that the server is still there. */
export function isHeartbeat({ type, name, raw, text }: StreamEvent): boolean {
  if (HEARTBEATS.has(type) || HEARTBEATS.has(name)) return true
  return type === 'message' && text === '' && raw.trim() === ''
}

/** Whether the answer is whole when this event has come. */
export function isEnd({ type }: StreamEvent): boolean {
  return ENDS.has(type)
}

const ENDS: ReadonlySet<string> = new Set([
  'done',
  'complete',
  'message_stop',
  'response.completed',
  // With the reason: too long, or filtered. It is all that there will be.
  'response.incomplete'
])

/** Whether the server reports that it failed. */
export function isError({ type }: StreamEvent): boolean {
  return type === 'error' || type === 'response.failed'
}

/** What an error event says of the error, its parts together however deep they are; words alone are its `message`. */
export function errorOf(data: unknown): Json {
  if (!isObject(data)) return typeof data === 'string' ? { message: data } : {}
  const inner = member(data['response'], 'error') ?? data['error']
  if (isObject(inner)) return { ...data, ...inner }
  return typeof inner === 'string' && inner !== '' ? { message: inner, ...data } : data
}

function typeOf(payload: Json, name: string): string {
  const { type, chunk, choices, error, done } = payload
  if (NAMED.has(name)) return isText(name) && (type === 'error' || says(error)) ? 'error' : name
  // The legacy form calls its pieces all sorts of names.
  if (typeof chunk === 'string') return typeof type !== 'string' || type === 'chunk' ? 'text' : type
  if (typeof type === 'string') return type
  if (says(error)) return 'error'
  if (Array.isArray(choices)) return choiceType(choices[0])
  if (done === true) return 'done'
  if (typeof done === 'boolean') return 'text'
  return name
}

/** Servers send `null`, `false`, `""` and `{}` where there is no error. */
function says(error: unknown): boolean {
  return typeof error === 'object' && error !== null ? Object.keys(error).length > 0 : Boolean(error)
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
  const answer = typeof payload['done'] === 'boolean' ? first(member(message, 'content'), response) : ''
  if (answer !== '' || !isText(type)) return answer
  return first(data, member(data, 'text'), member(data, 'content'), text, content, delta, member(delta, 'text'))
}

function member(value: unknown, name: string): unknown {
  return isObject(value) ? value[name] : undefined
}

function first(...values: unknown[]): string {
  for (const value of values) {
    const text = Array.isArray(value) ? value.map(partText).join('') || undefined : value
    if (typeof text === 'string') return text
  }
  return ''
}

/** Of content that is a list: what is no text of the answer (thoughts, references, pictures) says so. */
function partText(part: unknown): string {
  if (typeof part === 'string') return part
  if (!isObject(part)) return ''
  const { type = 'text', text } = part
  return (type === 'text' || type === 'output_text') && typeof text === 'string' ? text : ''
}

export function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
