import { fromWire, type RpcError, type WireError } from './errors'

/** The version of the protocol between two of ours; another one is spoken to as a plain peer. */
export const VERSION = 1

/** What an item costs of the credit beyond its bytes on the wire. */
export const ITEM_COST = 64

/** What two of ours tell each other first, in the `longwire` member of a ping, which a plain peer answers with a pong. */
export interface Hello {
  readonly version: number
  /** The side's own token: whoever knows the tokens of both sides may resume. */
  readonly peer: string
  /** Credit that each stream towards this side begins with, bytes. */
  readonly window: number
  /** The largest message that this side takes, bytes, inflated. */
  readonly maxMessageBytes: number
  /** This side inflates. */
  readonly deflate: boolean
  /** This side keeps its streams when a connection is lost. */
  readonly resumable: boolean
  /** The token of the other side, whose streams are to go on. */
  readonly resume?: string
  /** The answer to it. */
  readonly resumed?: boolean
  /** Streams that this side receives: items that came, and the credit's limit. */
  readonly received?: Readonly<Record<string, readonly [number, number]>>
  /** Streams that this side sends. */
  readonly sending?: readonly string[]
}

export type Message =
  | { readonly type: 'hello'; readonly hello: Hello }
  | { readonly type: 'ping'; readonly timestamp: number }
  | { readonly type: 'request'; readonly requestId: string; readonly data: unknown; readonly notify: boolean }
  | { readonly type: 'response'; readonly requestId: string; readonly data: unknown; readonly error: RpcError | null }
  | { readonly type: 'cancel'; readonly requestId: string }
  | { readonly type: 'error'; readonly error: RpcError; readonly requestId: string | undefined }
  | {
      readonly type: 'data'
      readonly streamId: string
      readonly items: readonly unknown[]
      readonly index: number | undefined
    }
  | {
      readonly type: 'end'
      readonly streamId: string
      readonly count: number | undefined
      readonly error: RpcError | null
    }
  | { readonly type: 'credit'; readonly streamId: string; readonly received: number; readonly limit: number }
  | { readonly type: 'stream-cancel'; readonly streamId: string; readonly error: RpcError | null }
  | { readonly type: 'closed'; readonly streamId: string }
  /** Another version's, or a neighbour's that shares the socket. */
  | { readonly type: 'unknown' }
  | { readonly type: 'bad'; readonly text: string; readonly streamId: string | undefined }

const ID_LIMIT = 256

/** Each item that came in a batch is kept by itself. No sender of ours sends more: a batch goes when it has 64 KiB. */
export const MAX_BATCH_ITEMS = 65_536

/** The first byte of a binary message. */
const BINARY_ITEM = 0

/** @param data a message of the socket, inflated */
export function readMessage(data: string | Uint8Array): Message {
  if (typeof data === 'string') {
    const value = parsed(data)
    return value === undefined ? bad('is no JSON') : ofJson(value)
  }
  if (data.length < 3 || data[0] !== BINARY_ITEM) return bad('is no binary message of this protocol')
  const end = 3 + (((data[1] as number) << 8) | (data[2] as number))
  if (end > data.length) return bad('is shorter than its header')
  const header = parsed(utf8(data.subarray(3, end)))
  if (!isObject(header) || header['type'] !== 'StreamData') return bad('has a header that is none')
  return ofJson({ ...header, payload: data.slice(end) })
}

function parsed(text: string | undefined): unknown {
  try {
    return text === undefined ? undefined : JSON.parse(text)
  } catch {
    return undefined
  }
}

function utf8(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    return undefined
  }
}

function ofJson(value: unknown): Message {
  if (!isObject(value)) return bad('is no object')
  // Streams first: there are most of them, and a payload may look like anything.
  if (typeof value['type'] === 'string' && value['type'].startsWith('Stream')) return ofStream(value)
  return ofRpc(value)
}

function ofStream(value: Record<string, unknown>): Message {
  const { type, streamId, index, count } = value
  if (typeof streamId !== 'string' || streamId === '' || streamId.length > ID_LIMIT) {
    return bad(`has no streamId of 1 to ${ID_LIMIT} characters`)
  }
  switch (type) {
    case 'StreamData':
      if (!isCount(index, true)) return bad('has an index that is none', streamId)
      return { type: 'data', streamId, items: [value['payload'] ?? null], index }
    case 'StreamBatch': {
      const items = value['payloads']
      if (!isCount(index) || !Array.isArray(items) || items.length === 0 || items.length > MAX_BATCH_ITEMS) {
        return bad('is no batch', streamId)
      }
      return { type: 'data', streamId, items, index }
    }
    case 'StreamEnd':
      if (!isCount(count, true)) return bad('has a count that is none', streamId)
      return { type: 'end', streamId, count, error: null }
    case 'StreamError': {
      const error = fromWire(value['error'])
      if (!isCount(count, true) || error === null) return bad('has no error, or a count that is none', streamId)
      return { type: 'end', streamId, count, error }
    }
    case 'StreamCredit': {
      const { received, limit } = value
      if (!isCount(received) || !isCount(limit)) return bad('is no credit')
      return { type: 'credit', streamId, received, limit }
    }
    case 'StreamCancel':
      return { type: 'stream-cancel', streamId, error: fromWire(value['error']) }
    case 'StreamClosed':
      return { type: 'closed', streamId }
    default:
      return { type: 'unknown' }
  }
}

function ofRpc(value: Record<string, unknown>): Message {
  const { category, requestId, timestamp } = value
  if (category === 'ping') {
    if ('longwire' in value) return ofHello(value['longwire'])
    // 1e999 is JSON, but neither language can write what it reads there.
    return Number.isFinite(timestamp) ? { type: 'ping', timestamp: timestamp as number } : bad('is no ping')
  }
  if (category === 'error') {
    const error = fromWire(value['error'])
    const about = isObject(value['details']) ? value['details']['requestId'] : undefined
    if (error === null) return bad('has no error')
    return { type: 'error', error, requestId: typeof about === 'string' ? about : undefined }
  }
  if (category !== 'request' && category !== 'response' && category !== 'cancel') return { type: 'unknown' }
  if (typeof requestId !== 'string' || requestId === '' || requestId.length > ID_LIMIT) {
    return bad(`has no requestId of 1 to ${ID_LIMIT} characters`)
  }
  if (category === 'cancel') return { type: 'cancel', requestId }
  const data = value['data'] ?? null
  if (category === 'request') return { type: 'request', requestId, data, notify: value['notify'] === true }
  return { type: 'response', requestId, data, error: 'error' in value ? fromWire(value['error']) : null }
}

function ofHello(value: unknown): Message {
  if (!isObject(value) || value['version'] !== VERSION) return { type: 'unknown' }
  const { version, peer, window, maxMessageBytes, deflate, resumable, resume, resumed, received, sending } = value
  const valid =
    typeof peer === 'string' && isCount(window) && isCount(maxMessageBytes) && window > 0 && maxMessageBytes > 0
  if (!valid) return bad('is a hello without peer, window or maxMessageBytes')
  const hello = { version, peer, window, maxMessageBytes, deflate: deflate === true, resumable: resumable === true }
  return {
    type: 'hello',
    hello: {
      ...hello,
      ...(typeof resume === 'string' && { resume }),
      ...(typeof resumed === 'boolean' && { resumed }),
      ...(isObject(received) && { received: receivedOf(received) }),
      ...(Array.isArray(sending) && { sending: sending.filter((id): id is string => typeof id === 'string') })
    }
  }
}

function receivedOf(value: Record<string, unknown>): Record<string, readonly [number, number]> {
  const streams: Record<string, readonly [number, number]> = Object.create(null)
  for (const [id, pair] of Object.entries(value)) {
    if (Array.isArray(pair) && isCount(pair[0]) && isCount(pair[1])) streams[id] = [pair[0], pair[1]]
  }
  return streams
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isCount(value: unknown): value is number
function isCount(value: unknown, orNone: true): value is number | undefined
function isCount(value: unknown, orNone = false): boolean {
  return Number.isSafeInteger(value) ? (value as number) >= 0 : orNone && value === undefined
}

function bad(text: string, streamId?: string): Message {
  return { type: 'bad', text: `A message ${text}`, streamId }
}

export function helloText(hello: Hello, timestamp: number): string {
  return JSON.stringify({ category: 'ping', timestamp, longwire: hello })
}

/** One item or several of a stream; `texts` are JSON. */
export function dataText(streamId: string, texts: readonly string[], index: number | undefined): string {
  const id = JSON.stringify(streamId)
  if (index === undefined) return `{"type":"StreamData","streamId":${id},"payload":${texts[0]}}`
  if (texts.length === 1) return `{"type":"StreamData","streamId":${id},"index":${index},"payload":${texts[0]}}`
  return `{"type":"StreamBatch","streamId":${id},"index":${index},"payloads":[${texts.join(',')}]}`
}

/** An item that is bytes. */
export function dataBytes(streamId: string, bytes: Uint8Array, index: number): Uint8Array {
  const header = new TextEncoder().encode(JSON.stringify({ type: 'StreamData', streamId, index }))
  const message = new Uint8Array(3 + header.length + bytes.length)
  message.set([BINARY_ITEM, header.length >> 8, header.length & 255])
  message.set(header, 3)
  message.set(bytes, 3 + header.length)
  return message
}

/** @param count undefined for a plain peer, who knows an error as a text */
export function endText(streamId: string, error: WireError | null, count: number | undefined): string {
  if (error === null) return JSON.stringify({ type: 'StreamEnd', streamId, count })
  return JSON.stringify({ type: 'StreamError', streamId, error: count === undefined ? error.message : error, count })
}

/** Bytes of a message on the wire, before it is deflated. */
export function sizeOf(data: string | Uint8Array): number {
  if (typeof data !== 'string') return data.length
  let size = data.length
  for (let at = 0; at < data.length; at++) {
    const unit = data.charCodeAt(at)
    if (unit < 0x80) continue
    // A pair of surrogates is two units and four bytes; half of one is sent as U+FFFD, three bytes.
    size += unit < 0x800 ? 1 : 2
    if (unit >= 0xd800 && unit < 0xdc00 && at + 1 < data.length && (data.charCodeAt(at + 1) & 0xfc00) === 0xdc00) at++
  }
  return size
}
