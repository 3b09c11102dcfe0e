import { lastEventIdHeader } from './last-event-id'
import { authenticate, type Token } from './token'
import { asStream } from './transfer'

/** Also an async iterable of text and bytes is a body. Only `longwire.fetch` takes one over HTTP/1.1. */
export type StreamInit = Omit<RequestInit, 'body'> & {
  body?: BodyInit | AsyncIterable<unknown> | null
  /** Options of `longwire.fetch`. */
  longwire?: object
}

/** A request that may be sent more than once. */
export interface Outgoing {
  readonly method: string
  /** Of the first attempt, without a token. */
  readonly headers: Headers
  readonly signal: AbortSignal | null
  /** Its body is still there after it was sent. */
  readonly repeatable: boolean
  /** The arguments of fetch for the next attempt, without a signal. */
  next(
    token: Token | undefined,
    lastEventId: string
  ): Promise<{ url: string; init: RequestInit & Pick<StreamInit, 'longwire'> }>
}

const ACCEPT = 'text/event-stream, application/x-ndjson, application/json;q=0.9, text/plain;q=0.8'

/**
 * @param json what to send as a JSON body; undefined for none
 * @throws {TypeError} what fetch would throw for these arguments
 */
export function prepare(input: string | URL | Request, given: StreamInit, json: unknown): Outgoing {
  const { signal, ...rest } = json === undefined ? given : withJson(given, json)
  const source = input instanceof Request ? input : null
  if (source?.bodyUsed) throw new TypeError('The body of the request has been used already')
  const once = isOnce(rest.body)
  const own = { ...(source === null ? {} : membersOf(source)), ...rest }
  // Refused now, as fetch would, instead of being taken for a failure of the network.
  const checked = new Request(source?.url ?? input, {
    ...own,
    body: once || source?.body ? '' : ((rest.body ?? null) as BodyInit | null)
  })
  const { method, url } = checked
  // As they were given: a fetch may take names that the browser's Request drops.
  const headers = new Headers(own.headers)
  if (!headers.has('accept')) headers.set('accept', ACCEPT)
  const body = bodyOf(source, copyOf(rest.body))
  return {
    method,
    headers,
    signal: signal ?? source?.signal ?? null,
    repeatable: !once,
    next: async (token, lastEventId) => {
      const sent = new Headers(headers)
      if (token !== undefined) await authenticate(sent, token)
      if (lastEventId !== '') sent.set('last-event-id', lastEventIdHeader(lastEventId))
      return { url, init: { ...own, method, headers: sent, ...(await body()) } as RequestInit }
    }
  }
}

function withJson(given: StreamInit, json: unknown): StreamInit {
  if (given.body != null) throw new TypeError('There are two bodies: one in the init, one in the options')
  const headers = new Headers(given.headers)
  if (!headers.has('content-type')) headers.set('content-type', 'application/json')
  return { method: 'POST', ...given, headers, body: JSON.stringify(json) }
}

/** Of a Request, what an init can say too. */
function membersOf(request: Request): RequestInit {
  const { method, headers, redirect, credentials, cache, mode, integrity, referrerPolicy } = request
  return { method, headers, redirect, credentials, cache, mode, integrity, referrerPolicy }
}

/** The body for each attempt. That of a Request can be taken out of it only once, so it is kept. */
function bodyOf(source: Request | null, body: StreamInit['body']): () => Promise<RequestInit> {
  if (body != null) {
    if (!isOnce(body)) return async () => ({ body: body as BodyInit })
    const stream = body instanceof ReadableStream ? body : asStream(body as AsyncIterable<unknown>)
    return async () => ({ body: stream, duplex: 'half' })
  }
  if (source === null || source.body === null) return async () => ({})
  let kept: Promise<ArrayBuffer> | undefined
  return async () => {
    kept ??= source.arrayBuffer()
    return { body: await kept }
  }
}

/** A buffer is sent as it is now, as by fetch, in every attempt: the page may write into it or transfer it meanwhile. */
function copyOf(body: StreamInit['body']): StreamInit['body'] {
  // What is detached has no bytes, and is for fetch to judge.
  if (body instanceof ArrayBuffer && !body.detached) return body.slice(0)
  if (!ArrayBuffer.isView(body) || (body.buffer as ArrayBuffer).detached) return body
  return new Uint8Array(body.buffer, body.byteOffset, body.byteLength).slice()
}

/** Whether a body is gone when it has been sent. */
function isOnce(body: StreamInit['body']): boolean {
  return typeof body === 'object' && body !== null && (body instanceof ReadableStream || Symbol.asyncIterator in body)
}
