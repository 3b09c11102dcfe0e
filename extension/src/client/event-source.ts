import { StreamError } from './errors'
import { asStreamError, isFutile } from './failure'
import { lastEventIdHeader } from './last-event-id'
import { mimeType } from './mime'
import { SseDecoder, type SseMessage } from './sse'
import { type Fetch, MAX_EVENT_LENGTH } from './types'
import { usualFetch } from './usual-fetch'
import { later, type Timer } from './waiting'

/** What the standard's EventSource takes, and what it lacks. */
export interface EventSourceOptions {
  /** Send credentials to other origins too, as far as `fetch` does so. */
  withCredentials?: boolean
  /** `globalThis.fetch` by default. */
  fetch?: Fetch
  /** GET by default, POST with a body. */
  method?: string
  headers?: HeadersInit
  /** Sent again with every reconnection; a function makes a new one for each. */
  body?: BodyInit | null | (() => BodyInit | null)
  /** Milliseconds before a reconnection, until the server sends `retry`. */
  reconnectionTime?: number
  /** Characters of one event; a longer one breaks the connection. */
  maxEventLength?: number
}

/** The `error` event: the standard's, with the reason, which the standard leaves out. */
export class EventSourceErrorEvent extends Event {
  readonly error: StreamError

  constructor(error: StreamError) {
    super('error')
    this.error = error
  }
}

interface EventSourceEvents {
  open: Event
  message: MessageEvent<string>
  error: EventSourceErrorEvent
}

type Handler<E extends Event> = ((this: EventSource, event: E) => unknown) | null
type AnyHandler = (event: Event) => unknown

const CONNECTING = 0
const OPEN = 1
const CLOSED = 2

/** Chromium's; the standard says "a few seconds". */
const RECONNECTION_MS = 3000

/**
 * The EventSource of the HTML standard §9.2, over any fetch, with a method, headers and a body.
 *
 * As there: it reconnects with `Last-Event-ID` until it is closed, and gives up on a status other than 200 (so 204 ends
 * it), on another content type than text/event-stream, and where trying again is futile: Longwire's policy denies it, or
 * its user stopped the stream.
 *
 * Every reconnection sends the request again, a POST too. For a request that may not be repeated, use `stream`.
 */
export class EventSource extends EventTarget {
  static readonly CONNECTING = CONNECTING
  static readonly OPEN = OPEN
  static readonly CLOSED = CLOSED

  readonly #url: string
  readonly #options: EventSourceOptions
  readonly #aborter = new AbortController()
  readonly #handlers = new Map<string, { value: AnyHandler | object; listener: AnyHandler }>()
  #readyState: 0 | 1 | 2 = CONNECTING
  #lastEventId = ''
  #reconnectionTime: number
  #timer: Timer | undefined

  /**
   * @throws {DOMException} SyntaxError: not a URL
   * @throws {TypeError} a method, header or body that fetch would not take, or a time that is none
   */
  constructor(url: string | URL, options: EventSourceOptions = {}) {
    super()
    this.#options = { ...options }
    this.#url = resolve(url)
    this.#reconnectionTime = options.reconnectionTime ?? RECONNECTION_MS
    if (!(this.#reconnectionTime >= 0)) {
      throw new TypeError(
        `\`reconnectionTime\` cannot be ${String(this.#reconnectionTime)}: it is a number of milliseconds`
      )
    }
    const { body } = options
    // Refused now, once, instead of being tried for ever.
    new Request(this.#url, { ...this.#init(), body: body == null ? null : '' })
    void this.#run()
  }

  get CONNECTING(): 0 {
    return CONNECTING
  }

  get OPEN(): 1 {
    return OPEN
  }

  get CLOSED(): 2 {
    return CLOSED
  }

  get [Symbol.toStringTag](): string {
    return 'EventSource'
  }

  get url(): string {
    return this.#url
  }

  get readyState(): 0 | 1 | 2 {
    return this.#readyState
  }

  get withCredentials(): boolean {
    return Boolean(this.#options.withCredentials)
  }

  get onopen(): Handler<Event> {
    return this.#handler('open') as Handler<Event>
  }

  set onopen(handler: Handler<Event>) {
    this.#setHandler('open', handler)
  }

  get onmessage(): Handler<MessageEvent<string>> {
    return this.#handler('message') as Handler<MessageEvent<string>>
  }

  set onmessage(handler: Handler<MessageEvent<string>>) {
    this.#setHandler('message', handler)
  }

  get onerror(): Handler<EventSourceErrorEvent> {
    return this.#handler('error') as Handler<EventSourceErrorEvent>
  }

  set onerror(handler: Handler<EventSourceErrorEvent>) {
    this.#setHandler('error', handler)
  }

  /** End the connection, or the wait for the next; no event follows. */
  close(): void {
    this.#readyState = CLOSED
    clearTimeout(this.#timer)
    this.#aborter.abort()
  }

  override addEventListener<K extends keyof EventSourceEvents>(
    type: K,
    listener: (this: EventSource, event: EventSourceEvents[K]) => unknown,
    options?: boolean | AddEventListenerOptions
  ): void
  override addEventListener(
    type: string,
    listener: ((this: EventSource, event: MessageEvent<string>) => unknown) | EventListenerObject | null,
    options?: boolean | AddEventListenerOptions
  ): void
  override addEventListener(type: string, listener: unknown, options?: boolean | AddEventListenerOptions): void {
    super.addEventListener(type, listener as EventListener, options)
  }

  override removeEventListener<K extends keyof EventSourceEvents>(
    type: K,
    listener: (this: EventSource, event: EventSourceEvents[K]) => unknown,
    options?: boolean | EventListenerOptions
  ): void
  override removeEventListener(
    type: string,
    listener: ((this: EventSource, event: MessageEvent<string>) => unknown) | EventListenerObject | null,
    options?: boolean | EventListenerOptions
  ): void
  override removeEventListener(type: string, listener: unknown, options?: boolean | EventListenerOptions): void {
    super.removeEventListener(type, listener as EventListener, options)
  }

  async #run(): Promise<void> {
    for (;;) {
      const { error, futile } = await this.#connect()
      if (this.#readyState === CLOSED) return
      this.#readyState = futile ? CLOSED : CONNECTING
      this.dispatchEvent(new EventSourceErrorEvent(error))
      // A listener may have closed it.
      if ((this.#readyState as number) === CLOSED) return
      await new Promise<void>((next) => {
        this.#timer = later(next, this.#reconnectionTime)
      })
    }
  }

  /** One connection, from the request to its end, which is always some kind of failure. */
  async #connect(): Promise<{ error: StreamError; futile: boolean }> {
    let response: Response
    try {
      const { body } = this.#options
      const init = this.#init()
      if (body != null) init.body = typeof body === 'function' ? body() : body
      const { fetch = usualFetch } = this.#options
      response = await fetch(this.#url, { ...init, signal: this.#aborter.signal })
    } catch (failure) {
      return { error: asStreamError(failure, 'fetch'), futile: isFutile(failure) }
    }
    const refusal = this.#readyState === CLOSED ? new StreamError('ABORTED', 'It was closed') : refuse(response)
    if (refusal !== null) {
      void response.body?.cancel().catch(() => undefined)
      return { error: refusal, futile: true }
    }
    this.#readyState = OPEN
    this.dispatchEvent(new Event('open'))
    try {
      await this.#receive(response)
    } catch (failure) {
      return { error: asStreamError(failure, 'body'), futile: isFutile(failure) }
    }
    return { error: new StreamError('ENDED_EARLY', 'The server ended the stream'), futile: false }
  }

  async #receive(response: Response): Promise<void> {
    const origin = response.url === '' ? new URL(this.#url).origin : new URL(response.url).origin
    const decoder = new SseDecoder(
      {
        message: (message) => this.#dispatch(message, origin),
        retry: (milliseconds) => {
          this.#reconnectionTime = milliseconds
        },
        id: (id) => {
          this.#lastEventId = id
        }
      },
      this.#options.maxEventLength ?? MAX_EVENT_LENGTH,
      this.#lastEventId
    )
    const reader = response.body?.getReader()
    if (reader === undefined) return
    const { signal } = this.#aborter
    // A fetch that does not listen to its signal leaves that to us.
    const stop = () => void reader.cancel().catch(() => undefined)
    signal.addEventListener('abort', stop)
    try {
      while (!signal.aborted) {
        const { done, value } = await reader.read()
        if (done || signal.aborted) return
        decoder.push(value)
      }
    } finally {
      signal.removeEventListener('abort', stop)
      // Of no effect where it ended by itself.
      stop()
    }
  }

  #dispatch({ event, data, id }: SseMessage, origin: string): void {
    if (this.#readyState === CLOSED) return
    this.dispatchEvent(new MessageEvent(event, { data, origin, lastEventId: id }))
  }

  /** The request without its body. */
  #init(): RequestInit {
    const { method, body, headers: given, withCredentials } = this.#options
    const headers = new Headers(given)
    if (!headers.has('accept')) headers.set('accept', 'text/event-stream')
    if (this.#lastEventId !== '') headers.set('last-event-id', lastEventIdHeader(this.#lastEventId))
    return {
      method: method ?? (body == null ? 'GET' : 'POST'),
      headers,
      cache: 'no-store',
      credentials: withCredentials ? 'include' : 'same-origin'
    }
  }

  #handler(type: string): object | null {
    return this.#handlers.get(type)?.value ?? null
  }

  /** An event handler attribute: it keeps its place among the listeners while it is changed from one function to another. */
  #setHandler(type: string, value: unknown): void {
    const known = this.#handlers.get(type)
    const usable = typeof value === 'function' || (typeof value === 'object' && value !== null)
    if (known !== undefined && usable) known.value = value
    else if (known !== undefined) {
      this.#handlers.delete(type)
      super.removeEventListener(type, known.listener)
    } else if (usable) {
      const entry = {
        value,
        listener: (event: Event) => {
          if (typeof entry.value === 'function') entry.value.call(this, event)
        }
      }
      this.#handlers.set(type, entry)
      super.addEventListener(type, entry.listener)
    }
  }
}

function resolve(url: string | URL): string {
  const base = globalThis.document?.baseURI ?? globalThis.location?.href
  try {
    return new URL(url, base).href
  } catch {
    throw new DOMException(`Cannot open an EventSource to '${url}': not a URL`, 'SyntaxError')
  }
}

/** Why a response cannot be an event stream, if it cannot. */
function refuse(response: Response): StreamError | null {
  const { status } = response
  if (status !== 200) {
    return new StreamError('HTTP_STATUS', `The server answered ${status}, which ends an EventSource`, { status })
  }
  const type = mimeType(response.headers)
  if (type === 'text/event-stream') return null
  const said = type === '' ? 'no usable content type' : `"${type}"`
  return new StreamError('CONTENT_TYPE', `The server answered with ${said} instead of text/event-stream`, { status })
}
