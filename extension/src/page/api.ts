// What a page sees. Types only: `window.longwire` is there before any script of the page, where it is there at all.
//
// The npm package has this file as `longwire/page`, so it imports nothing of the shim.

import type * as client from '../client/index'
import type { Category, ErrorCode, Phase } from '../protocol/errors'
import type * as rpc from '../rpc/index'

export type { Category, ErrorCode, Phase }

/** What the npm package exports; where no `fetch` is named, `longwire.fetch` is used instead of the page's own. */
export type ClientLibrary = typeof client

/** `window.longwire`. */
export interface Longwire extends Readonly<ClientLibrary> {
  /** Of the extension. */
  readonly version: string
  /** Streams and requests over a socket, of which a page makes the connection: docs/rpc.md. */
  readonly rpc: Readonly<Pick<typeof rpc, 'connect' | 'RpcError'>>
  /**
   * The browser's `fetch`, but through the host: docs/page-api.md says where it differs.
   *
   * Rejects, as do reads of the body, with `signal.reason`, a TypeError for bad arguments, or a LongwireError.
   */
  readonly fetch: (input: RequestInfo | URL, init?: LongwireInit) => Promise<Response>
  /**
   * Whether there is a host, and what the policy lets this page reach. After a second without an answer: what is waited for.
   *
   * Rejects with a LongwireError, BRIDGE_LOST, if the extension does not answer on this page.
   */
  readonly status: () => Promise<StatusReport>
  /** What outlives its page, under the keys of `longwire: { durable }`: those of this origin in this browser profile. */
  readonly durable: {
    readonly list: () => Promise<DurableRequest[]>
    /** End it, if it is under way, delete what is kept of it, and free its key. That there is none is no mistake. */
    readonly forget: (key: string) => Promise<void>
    /** What Durable Streams answers to GET and HEAD: the last segment of the URL's path is the key, its query the question. */
    readonly fetch: (url: RequestInfo | URL, init?: LongwireInit) => Promise<Response>
  }
  /**
   * The browser's `WebSocket`, but through the host, and with headers: docs/websocket.md says where it differs. The `error`
   * event has an `error`, a LongwireError, where the reason is known.
   */
  readonly WebSocket: {
    new (url: string | URL, protocols?: string | readonly string[] | SocketOptions): WebSocket
    readonly prototype: WebSocket
    readonly CONNECTING: 0
    readonly OPEN: 1
    readonly CLOSING: 2
    readonly CLOSED: 3
  }
  /**
   * Chromium's `WebSocketStream`, but through the host, and with headers: what is not read is not received, and a writer
   * waits. What fails rejects with a LongwireError, which has a `closeCode` and a `reason`, or with `signal.reason`.
   */
  readonly WebSocketStream: {
    new (url: string | URL, options?: SocketStreamOptions): SocketStream
    readonly prototype: SocketStream
  }
  /**
   * Have `window.fetch` and `window.EventSource` use Longwire for what the policy grants.
   *
   * @returns its undo
   * @throws {TypeError} an option that is none
   */
  readonly patch: (options?: PatchOptions) => () => void
}

/** Also an async iterable is a body. */
export type LongwireInit = Omit<RequestInit, 'body'> & {
  body?: BodyInit | AsyncIterable<unknown> | null
  longwire?: StreamOptions
}

/** The second argument of `longwire.WebSocket`, as undici, Deno and Bun have it. */
export interface SocketOptions {
  protocols?: string | readonly string[]
  headers?: HeadersInit
}

/** The options of `longwire.WebSocketStream`. */
export interface SocketStreamOptions {
  protocols?: string | readonly string[]
  headers?: HeadersInit
  /** Aborts the handshake. */
  signal?: AbortSignal
}

/** What `new longwire.WebSocketStream` gives. */
export interface SocketStream {
  readonly url: string
  readonly opened: Promise<SocketStreamConnection>
  readonly closed: Promise<SocketStreamEnd>
  close(end?: { closeCode?: number; reason?: string }): void
}

/** A socket that is open. */
export interface SocketStreamConnection {
  readonly readable: ReadableStream<string | ArrayBuffer>
  readonly writable: WritableStream<string | BufferSource>
  readonly protocol: string
  readonly extensions: string
}

/** How it was closed. */
export interface SocketStreamEnd {
  readonly closeCode: number
  readonly reason: string
}

/** Milliseconds, more than 0 and at most 24 hours. The policy may bound the first and the last: what is more is lowered. */
export interface TimeoutOptions {
  /** To the response headers. What the grant says, or 10 minutes, by default. */
  headerTimeout?: number
  /** Without a byte of the body. Off by default. */
  idleTimeout?: number
  /** For all of it. What the grant says, or none, by default. */
  totalTimeout?: number
}

/** The `longwire` member of the init. */
export interface StreamOptions extends TimeoutOptions {
  /** Called as the host takes the request body; for the last time, with all of it, before the response is there. */
  onUploadProgress?: (progress: UploadProgress) => void
  /**
   * Called once, as soon as the whole response is here, whether or not the page has read it. Not if it fails, is aborted,
   * cancelled or forgotten before that: then it has no end.
   */
  onEnd?: (end: StreamEnd) => void
  /**
   * Have the request outlive the page under this key, 1 to 128 printable characters; where there is one already, its
   * response, from its first byte or from byte `from` on. What ends this reading leaves the request alone: docs/durable.md.
   */
  durable?: string | { key: string; from?: number }
}

/** One of `longwire.durable.list()`. */
export interface DurableRequest {
  readonly key: string
  readonly method: string
  readonly url: string
  /** `unknown`: it was lost, and may have been carried out. */
  readonly state: 'running' | 'ended' | 'failed' | 'unknown'
  /** Of the response's body, so far. */
  readonly bytes: number
  /** The first of them that is still kept. */
  readonly first: number
  /** Milliseconds since 1970, as `Date.now()` has them; null as long as it runs. */
  readonly started: number
  readonly ended: number | null
  /** What it failed with, if it did. */
  readonly error: { readonly code: ErrorCode; readonly message: string } | null
}

/** How much of a request body the host has taken from the page, in bytes. */
export interface UploadProgress {
  readonly sent: number
  /** Null if nobody knows: a stream or an async iterable. */
  readonly total: number | null
}

/** What is known of a response that is whole. */
export interface StreamEnd {
  /** Of the body, decoded: as many as the page reads. */
  readonly bytes: number
  /**
   * How its end is known: its announced length or the last chunk came, or only the connection closed (`close`), after
   * which nobody can say whether more was to come. `none`: it could have no body.
   */
  readonly completeness: 'length' | 'chunked' | 'close' | 'none'
  readonly timings: StreamTimings
}

/** Milliseconds since the host took the request; what there was not, or on another's connection, is left out. */
export interface StreamTimings {
  readonly connected?: number
  readonly headers?: number
  readonly firstByte?: number
  /** To the last byte that the host had of the server. */
  readonly total: number
}

/** What `longwire.fetch` rejects with and what its bodies error with; `code` is what tells it from other errors. */
export interface LongwireError extends TypeError {
  readonly code: ErrorCode
  readonly category: Category
  /** How far the exchange had come. */
  readonly phase: Phase
  /** The same request, sent again later and unchanged, may succeed. Not: sending it again is safe. */
  readonly retryable: boolean
  /** With GAP: the first byte that is still kept. */
  readonly first?: number
}

/** What `longwire.status()` gives. */
export interface StatusReport {
  state: 'ready' | 'starting' | 'host-missing' | 'host-forbidden' | 'host-failed' | 'policy-invalid'
  /**
   * While `starting`: the browser has to start the extension's worker (`extension`), to say what its administrator set last
   * (`settings`) and whether it lets Longwire into this site (`permission`), and to start the host (`host`).
   */
  waiting?: 'extension' | 'settings' | 'permission' | 'host'
  /** The host's version. */
  host?: string
  protocol?: number
  /** What this page's grants name. */
  destinations: string[]
  /** What they let it generate with, and the models of each: names, or the beginning of names and `*`. If there is any. */
  providers?: { name: string; models: string[] }[]
  /** What to do, unless all is well. */
  fix?: string
  /** What requests to these destinations would fail with now, as far as it can be known without them; and what to type. */
  obstacles?: {
    destinations: string[]
    providers?: string[]
    code: ErrorCode
    message: string
    command?: string
  }[]
}

/** The options of `longwire.patch`. */
export interface PatchOptions {
  /**
   * Which calls to granted destinations: `all`, those that ask for `Accept: text/event-stream`, or none but those marked
   * with `{ longwire: {} }` in their init, which go through Longwire in any case. `all` by default.
   */
  select?: 'all' | 'event-streams' | 'marked'
  /**
   * Of the granted destinations these alone, in the policy's form. What is named here fails typed when there is no host,
   * where a destination that nobody named reaches the browser's own fetch.
   */
  destinations?: readonly string[]
  /** When there is no host, send what was meant for Longwire by the browser's own fetch. False by default. */
  fallback?: boolean
  /** Whether to replace `EventSource` too. True by default. */
  eventSource?: boolean
  /**
   * Whether to replace `WebSocket` too. False by default. What carries a socket is decided when it is made: what is not known
   * to be granted by then is the browser's, unless `destinations` names it.
   */
  webSocket?: boolean
  /** Of the calls that go through Longwire; what a call's own `longwire` option names comes first. */
  timeouts?: TimeoutOptions
}
