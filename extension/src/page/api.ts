// What a page sees. Types only: `window.longwire` is there before any script of the page, where it is there at all.

import type { StatusReport } from './shim'

export type { LongwireError } from './errors'
export type { LongwireInit } from './init'
export type { StreamOptions, UploadProgress } from './options'
export type { StatusReport } from './shim'

import type { LongwireInit } from './init'

/** `window.longwire`. */
export interface Longwire {
  /** Of the extension. */
  readonly version: string
  /**
   * The browser's `fetch`, but through the host: docs/page-api.md says where it differs.
   *
   * Rejects, as do reads of the body, with `signal.reason`, a TypeError for bad arguments, or a LongwireError.
   */
  readonly fetch: (input: RequestInfo | URL, init?: LongwireInit) => Promise<Response>
  /**
   * Whether there is a host, and what the policy lets this page reach.
   *
   * Rejects with a LongwireError, BRIDGE_LOST, if the extension does not answer on this page.
   */
  readonly status: () => Promise<StatusReport>
  /**
   * Have `window.fetch` and `window.EventSource` use Longwire for what the policy grants.
   *
   * @returns its undo
   * @throws {TypeError} an option that is none
   */
  readonly patch: (options?: PatchOptions) => () => void
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
}
