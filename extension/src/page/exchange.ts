import type {
  AbortReason,
  FromPage,
  StreamChunk,
  StreamEnd,
  StreamErrorFields,
  StreamedRequestBody,
  StreamHeadersFields,
  StreamStartFields,
  ToPage
} from '../protocol/bridge'
import { ERRORS, type ErrorCode } from '../protocol/errors'
import type { StreamEnd as PageStreamEnd } from './api'
import { Body } from './body'
import {
  addListener,
  bare,
  complain,
  hasOwn,
  promiseThen,
  removeListener,
  report,
  signalReason,
  startTimer
} from './builtins'
import { LongwireError } from './errors'
import type { RequestHead } from './request'
import type { Payload } from './request-body'
import { buildOpaqueRedirect, buildResponse, hasNullBody, isRedirect, resolveWith, verifyResponse } from './response'
import { Upload } from './upload'

/**
 * How long a response that nobody reads goes on when its request is sent. The server may not have read the end of it, and
 * loses it where the connection is closed while something comes back.
 */
const UNREAD_LINGER_MS = 5000

/** A message about one stream. */
export type StreamMessage = Exclude<ToPage, { type: 'STATUS' | 'WAITING' | 'BRIDGE_LOST' | 'DIRECT_OPEN' }>

/** What an exchange needs of the shim. */
export interface ExchangeHost {
  post(message: FromPage): void
  /** No message about this stream is expected any more, for this reason if it failed. */
  closed(exchange: Exchange, reason: unknown): void
}

/** The page's promise of a response. */
export interface Outcome {
  readonly resolve: (response: Response) => void
  readonly reject: (reason: unknown) => void
}

/**
 * One call of `longwire.fetch`, from its arguments to the last byte of both bodies.
 *
 * Two things end, each once: the *stream*, when the host said END or ERROR or is told ABORT; and the *page's side*, when
 * its promise is rejected or its body stream is closed, errored, cancelled or collected. The second may come much later,
 * with bytes that wait to be read, and no longer has anything to do with the host.
 */
export class Exchange {
  readonly id: number
  readonly #head: RequestHead
  readonly #host: ExchangeHost
  /** Gone with the headers: it leads to the promise, and so to the Response. */
  #outcome: Outcome | null
  #started = false
  #streamOver = false
  #headersSeen = false
  #body: Body | null = null
  #upload: Upload | null = null
  /** The response's body is gone, and the stream goes on for the request's alone. */
  #unread = false

  constructor(id: number, head: RequestHead, host: ExchangeHost, outcome: Outcome) {
    this.id = id
    this.#head = head
    this.#host = host
    this.#outcome = outcome
    addListener(head.signal, 'abort', this.#onAbort)
  }

  /** Nothing is expected of the host, nor to be sent to it. */
  get over(): boolean {
    return this.#streamOver
  }

  /** Send the request. */
  start(payload: Payload): void {
    this.#started = true
    const { method, url, headers, redirect, timeouts, durable } = this.#head
    const start: StreamStartFields = {
      type: 'STREAM_START',
      id: this.id,
      method,
      url,
      headers,
      body: payload.body,
      redirect,
      timeouts
    }
    if (durable !== null) start.durable = durable
    this.#host.post(start)
    if (payload.source === null) return
    const size = hasOwn(payload.body, 'size') ? (payload.body as StreamedRequestBody).size : undefined
    this.#upload = new Upload(this.id, payload.source, size, {
      send: (message) => this.#host.post(message),
      taken: (sent) => this.#tellProgress(sent, size ?? null),
      sent: () => {
        if (this.#unread) startTimer(() => this.#dropped('collected', undefined), UNREAD_LINGER_MS)
      },
      failed: (cause) => this.#uploadFailed(cause)
    })
    void this.#upload.run()
  }

  /** The exchange cannot go on, for a reason that the host does not know of or is the cause of. */
  fail(error: unknown, tell: AbortReason | null): void {
    if (this.#streamOver) return
    this.#closeStream(error, tell)
    if (this.#outcome !== null) this.#reject(error)
    else if (this.#body !== null && !this.#unread) this.#body.fail(error)
    else this.#detach()
  }

  /** The way to the host broke, and with it everything that was under way. */
  bridgeLost(text: string, tell: AbortReason | null): void {
    this.fail(this.#error('BRIDGE_LOST', text), tell)
  }

  /** A message from the host, or from the worker on its behalf. */
  receive(message: StreamMessage): void {
    switch (message.type) {
      case 'STREAM_HEADERS':
        return this.#receiveHeaders(message)
      case 'STREAM_CHUNK':
        return this.#receiveChunk(message)
      case 'STREAM_BODY_ACK':
        return this.#upload?.granted(message.consumed, message.window)
      case 'STREAM_BODY_AGAIN':
        return this.#sendAgain(message.again)
      case 'STREAM_END':
        return this.#receiveEnd(message)
      case 'STREAM_ERROR':
        this.#complain(message)
        return this.fail(errorFrom(message), null)
      case 'STREAM_ABORTED':
        return this.fail(this.#error('PROTOCOL', 'The stream was aborted, but not by this page'), null)
    }
  }

  #sendAgain(again: number): void {
    if (this.#upload?.again(again) !== true) this.#violated('a request for a body that is gone')
  }

  /** A refusal is a line in the page's console, as those of CORS are: pages seldom show what they catch. */
  #complain({ code, message }: StreamErrorFields): void {
    if (ERRORS[code].category !== 'POLICY') return
    const { method, url } = this.#head
    complain(`Longwire refused ${method} ${url} (${code}): ${message}`)
  }

  #receiveHeaders(head: StreamHeadersFields): void {
    if (this.#outcome === null) return this.#violated('a second response head')
    this.#headersSeen = true
    this.#upload?.answered()
    try {
      if (this.#head.redirect === 'manual' && isRedirect(head.status)) return this.#deliverRedirect(head)
      if (!hasNullBody(this.#head.method, head.status)) this.#body = this.#newBody()
      this.#deliver(head, buildResponse(head, this.#body))
    } catch {
      this.#body = null
      this.#violated('a response head that is not HTTP')
    }
  }

  #deliver(head: StreamHeadersFields, response: Response): void {
    const { resolve, reject } = this.#outcome as Outcome
    const { integrity } = this.#head
    this.#outcome = null
    if (integrity === null) return resolveWith(resolve, response)
    const settle = (verified: Response) => resolveWith(resolve, verified)
    promiseThen(verifyResponse(head, response, integrity), settle, reject)
  }

  /** The page learns that there was a redirect and nothing of it. */
  #deliverRedirect(head: StreamHeadersFields): void {
    const { resolve } = this.#outcome as Outcome
    this.#outcome = null
    this.#dropped('cancel', undefined)
    resolveWith(resolve, buildOpaqueRedirect(head))
  }

  #newBody(): Body {
    return new Body({
      consumed: (consumed) => {
        if (!this.#streamOver) this.#host.post({ type: 'STREAM_ACK', id: this.id, consumed })
      },
      cancelled: (reason) => this.#dropped('cancel', reason),
      collected: () => this.#collected(),
      finished: () => this.#detach()
    })
  }

  #receiveChunk(chunk: StreamChunk): void {
    const body = this.#body
    if (body === null)
      return this.#violated(this.#headersSeen ? 'bytes of a body that has none' : 'bytes before the head')
    if (chunk.offset !== body.received) {
      return this.#violated(`bytes from offset ${chunk.offset}, where ${body.received} were due`)
    }
    if (hasOwn(chunk, 'encoding')) return this.#violated('compressed bytes that cannot be undone')
    if (hasOwn(chunk, 'window')) body.setWindow(chunk.window as number)
    body.push(chunk.data)
    if (this.#unread) this.#host.post({ type: 'STREAM_ACK', id: this.id, consumed: body.received })
    else if (body.overrun) this.#violated('more bytes than it may have under way')
  }

  #receiveEnd(end: StreamEnd): void {
    if (!this.#headersSeen) return this.#violated('an end before the head')
    const received = this.#body?.received ?? 0
    if (end.bytes !== received) return this.#violated(`an end at ${end.bytes} bytes after ${received}`)
    this.#closeStream(undefined, null)
    if (this.#body === null || this.#unread) this.#detach()
    else this.#body.end()
    // A response that the page let go of has ended for it already.
    if (!this.#unread) this.#callPage(this.#head.onEnd, () => endOf(end))
  }

  /** The caller's signal fired. The page does not wait for the host to hear of it. */
  readonly #onAbort = (): void => {
    const reason = signalReason(this.#head.signal)
    this.#closeStream(reason, 'signal')
    if (this.#outcome !== null) this.#reject(reason)
    else {
      this.#body?.abort(reason)
      this.#detach()
    }
  }

  #tellProgress(sent: number, total: number | null): void {
    this.#callPage(this.#head.onUploadProgress, () => bare({ sent, total }))
  }

  #callPage<T>(callback: ((value: T) => void) | null, value: () => T): void {
    try {
      callback?.(value())
    } catch (error) {
      // The page's mistake, and no reason to break its request.
      report(error)
    }
  }

  #uploadFailed(cause: unknown): void {
    const text = 'The request body could not be sent in full: its source failed'
    this.fail(new LongwireError('UPLOAD_FAILED', text, this.#phase(), { cause }), 'upload-failed')
  }

  /** The page let go of the response's body. */
  #dropped(tell: AbortReason, reason: unknown): void {
    this.#closeStream(reason, tell)
    this.#detach()
  }

  /**
   * Nothing can reach the response any more. A page that does not read it may still mean its request: where the server
   * answered early, the rest of the upload is sent, and what comes back meanwhile is thrown away.
   */
  #collected(): void {
    if (!this.#upload?.underWay) return this.#dropped('collected', undefined)
    this.#unread = true
    const received = this.#body?.received ?? 0
    if (received > 0) this.#host.post({ type: 'STREAM_ACK', id: this.id, consumed: received })
  }

  /** The other side broke the protocol. */
  #violated(what: string): void {
    this.fail(this.#error('PROTOCOL', `The Longwire host sent ${what}`), 'refused')
  }

  #closeStream(reason: unknown, tell: AbortReason | null): void {
    if (this.#streamOver) return
    this.#streamOver = true
    if (tell !== null && this.#started) this.#host.post({ type: 'STREAM_ABORT', id: this.id, reason: tell })
    this.#upload?.stop(reason)
    this.#host.closed(this, reason)
  }

  #reject(reason: unknown): void {
    const outcome = this.#outcome
    this.#outcome = null
    this.#detach()
    outcome?.reject(reason)
  }

  /** Let go of the caller's signal, which may live as long as the page. */
  #detach(): void {
    removeListener(this.#head.signal, 'abort', this.#onAbort)
  }

  #error(code: ErrorCode, text: string): LongwireError {
    return new LongwireError(code, text, this.#phase())
  }

  #phase(): 'headers' | 'body' {
    return this.#headersSeen ? 'body' : 'headers'
  }
}

function errorFrom(given: StreamErrorFields): LongwireError {
  const { code, message, phase, retryable } = given
  const details = hasOwn(given, 'first') ? { retryable, first: given.first } : { retryable }
  return new LongwireError(code, message, phase, details)
}

/** In the page's words. */
function endOf({ bytes, completeness, timings }: StreamEnd): PageStreamEnd {
  const named: Record<string, number> = bare({})
  for (const name in TIMINGS) {
    const field = TIMINGS[name as keyof typeof TIMINGS]
    if (hasOwn(timings, field)) named[name] = timings[field] as number
  }
  return bare({ bytes, completeness, timings: named as unknown as PageStreamEnd['timings'] })
}

const TIMINGS = bare({
  connected: 'connected_ms',
  headers: 'headers_ms',
  firstByte: 'first_byte_ms',
  total: 'total_ms'
} as const)
