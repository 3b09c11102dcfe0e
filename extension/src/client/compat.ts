// `longwire/compat`: names and signatures that code often has around its own event streams, over this library, so that such
// code can move by changing an import. New code has no use for it.

import { checkStatus, letGo } from './answer'
import { StreamError } from './errors'
import type { StreamEvent } from './event-payload'
import type { EventStream, StreamResult, StreamStatus } from './event-stream'
import { type EventsOptions, events } from './events'
import { asStreamError } from './failure'
import { checkOptions, type Names } from './options'
import { stream } from './stream'
import { authenticate, checkToken, type Token } from './token'
import type { Fetch } from './types'
import { forHost, usualFetch } from './usual-fetch'
import { later, within } from './waiting'

/** What such code has as its own constants, and these functions cannot know. */
export interface Settings {
  /** The page's own by default; `longwire.fetch`. */
  fetch?: Fetch
  token?: Token
  /** Where `streamChat` posts to. */
  chatUrl?: (id: string) => string | URL
  /** Where `chatWithModelStream` posts to. */
  modelUrl?: string | URL
}

const SETTINGS: Names<Settings> = { fetch: 0, token: 0, chatUrl: 0, modelUrl: 0 }
let settings: Settings = {}

/**
 * Say where to and as whom, once, before the first call. What was said before is forgotten.
 *
 * @throws {TypeError} a setting that is none (OptionError), or a header that cannot be
 */
export function configure(given: Settings): void {
  checkOptions(given, SETTINGS, 'configure()')
  checkToken(given.token)
  settings = { ...given }
}

/**
 * Post `{ message }` to `chatUrl(id)`, and give each event of the answer as it comes.
 *
 * Rejects with a StreamError, or after an abort with the signal's reason, as fetch does.
 */
export async function streamChat(
  id: string,
  message: string,
  onEvent: (event: StreamEvent) => void,
  signal?: AbortSignal
): Promise<void> {
  const answer = asked(settings.chatUrl?.(id), 'chatUrl', { message }, signal)
  try {
    for await (const event of answer) onEvent(event)
  } catch (error) {
    throw signal?.aborted ? signal.reason : error
  }
}

/** What a model is asked. All but the signal is sent as JSON, with `stream: true` unless it says otherwise. */
export interface ModelRequest {
  readonly model: string
  readonly messages: readonly unknown[]
  readonly signal?: AbortSignal
  readonly [member: string]: unknown
}

/**
 * Post the request to `modelUrl`, and give each piece of the answer's text as it comes.
 *
 * Rejects as `streamChat` does.
 *
 * @returns the whole text
 */
export async function chatWithModelStream(
  req: ModelRequest,
  onChunk?: (chunk: string) => void,
  onStatus?: (status: StreamStatus) => void
): Promise<string> {
  const { signal, ...body } = req
  const answer = asked(settings.modelUrl, 'modelUrl', { stream: true, ...body }, signal, onStatus)
  try {
    for await (const { text } of answer) if (text !== '') onChunk?.(text)
  } catch (error) {
    throw signal?.aborted ? signal.reason : error
  }
  return answer.text
}

/** Beyond what `fetch` takes. */
export interface AuthFetchOptions {
  /** Resolve with the headers; `timeout` is for them alone. Without it, the body has come as well. */
  stream?: boolean
  /** Told of a failure before the promise is rejected with it, but not of an abort by the caller. */
  onError?: (error: StreamError) => void
  /** Milliseconds. */
  timeout?: number
}

const AUTH_FETCH_OPTIONS: Names<AuthFetchOptions> = { stream: 0, onError: 0, timeout: 0 }

/**
 * `fetch` with the token of `configure`. Sent once.
 *
 * Rejects as `streamChat` does, for a status that is no success too.
 */
export async function authFetch(
  url: string | URL,
  init: RequestInit = {},
  options: AuthFetchOptions = {}
): Promise<Response> {
  checkOptions(options, AUTH_FETCH_OPTIONS, 'authFetch()')
  const { stream: early = false, onError, timeout = Infinity } = options
  const { fetch = usualFetch, token } = settings
  const aborter = new AbortController()
  const follow = () => aborter.abort(init.signal?.reason)
  if (init.signal?.aborted) follow()
  init.signal?.addEventListener('abort', follow)
  let arrived = false
  const late = () => {
    const code = arrived ? 'TOTAL_TIMEOUT' : 'HEADERS_TIMEOUT'
    aborter.abort(new StreamError(code, `The server did not answer within ${timeout} ms`))
  }
  const timer = timeout === Infinity ? undefined : later(late, timeout)
  let answer: Promise<Response> | undefined
  try {
    const headers = new Headers(init.headers)
    if (token !== undefined) await authenticate(headers, token)
    const { longwire } = init as { longwire?: object }
    const told = forHost(fetch, options.timeout, longwire)
    answer = fetch(String(url), { ...init, ...told, headers, signal: aborter.signal })
    const response = await within(answer, aborter.signal)
    arrived = true
    await checkStatus(response, aborter.signal)
    // Both halves of a clone have what either has read.
    if (!early) await within(response.clone().arrayBuffer(), aborter.signal)
    return response
  } catch (error) {
    letGo(answer)
    if (init.signal?.aborted) throw init.signal.reason
    const failure = asStreamError(error, arrived ? 'body' : 'fetch')
    onError?.(failure)
    throw failure
  } finally {
    clearTimeout(timer)
    // A body that is still read is aborted by the signal too.
    if (!early) init.signal?.removeEventListener('abort', follow)
  }
}

/** What `SSEStreamReader` tells. */
export interface ReaderEvents {
  event: [event: StreamEvent]
  text: [added: string, all: string]
  status: [status: StreamStatus]
  error: [error: StreamError]
  done: [result: StreamResult]
}

type Listeners = { [Name in keyof ReaderEvents]: Set<(...told: ReaderEvents[Name]) => void> }

/** Reads the events of one response, by one of `readEvents` and `readToCompletion`, once. */
export class SSEStreamReader {
  readonly #events: EventStream
  readonly #listeners: Listeners = {
    event: new Set(),
    text: new Set(),
    status: new Set(),
    error: new Set(),
    done: new Set()
  }

  /** @throws {TypeError} as `events` does */
  constructor(response: Response | Promise<Response>, options: Omit<EventsOptions, 'onText' | 'onStatus'> = {}) {
    this.#events = events(response, {
      ...options,
      onText: (added, all) => this.#tell('text', added, all),
      onStatus: (status) => this.#tell('status', status)
    })
  }

  /** Have something told. @returns what ends that */
  on<Name extends keyof ReaderEvents>(name: Name, listener: (...told: ReaderEvents[Name]) => void): () => void {
    const listeners: Set<typeof listener> = this.#listeners[name]
    listeners.add(listener)
    return () => listeners.delete(listener)
  }

  /** The events as they come. Fails with a StreamError. */
  async *readEvents(): AsyncGenerator<StreamEvent, void, undefined> {
    try {
      for await (const event of this.#events) {
        this.#tell('event', event)
        yield event
      }
    } catch (error) {
      if (error instanceof StreamError) this.#tell('error', error)
      throw error
    }
    const { text, lastEventId, progress, status } = this.#events
    this.#tell('done', { text, lastEventId, progress, cancelled: status.state === 'cancelled' })
  }

  /** All of it. Rejects with a StreamError. */
  async readToCompletion(): Promise<StreamResult> {
    for await (const _ of this.readEvents());
    const { text, lastEventId, progress, status } = this.#events
    return { text, lastEventId, progress, cancelled: status.state === 'cancelled' }
  }

  /** Stop, without an error. */
  cancel(reason?: unknown): void {
    this.#events.cancel(reason)
  }

  #tell<Name extends keyof ReaderEvents>(name: Name, ...told: ReaderEvents[Name]): void {
    for (const listener of this.#listeners[name]) listener(...told)
  }
}

function asked(
  url: string | URL | undefined,
  setting: keyof Settings,
  body: object,
  signal: AbortSignal | undefined,
  onStatus?: (status: StreamStatus) => void
): EventStream {
  if (url === undefined) throw new TypeError(`Nobody said where to: call configure({ ${setting} }) first`)
  const { fetch = usualFetch, token } = settings
  const init = signal === undefined ? {} : { signal }
  return stream(url, init, {
    fetch,
    body,
    ...(token === undefined ? {} : { token }),
    ...(onStatus === undefined ? {} : { onStatus })
  })
}
