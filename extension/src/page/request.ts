import type { RedirectMode, Timeouts } from '../protocol/bridge'
import { MAX_TIMEOUT_MS } from '../protocol/constants'
import {
  append,
  bare,
  ceil,
  create,
  defineProperty,
  headersForEach,
  headersGet,
  isFiniteNumber,
  keys,
  mapGet,
  NativeHeaders,
  NativeReadableStream,
  NativeRequest,
  NativeTypeError,
  requestHeaders,
  requestIntegrity,
  requestMethod,
  requestRedirect,
  requestSignal,
  requestUrl,
  sliceString
} from './builtins'
import { LongwireError } from './errors'
import { asyncIterableBody, type BodyPlan, planBody } from './payload'

/** The `longwire` member of the init: milliseconds, 1 to 24 hours. */
export interface StreamOptions {
  headerTimeout?: number
  idleTimeout?: number
  totalTimeout?: number
}

/** Also an async iterable is a body. */
export type LongwireInit = Omit<RequestInit, 'body'> & {
  body?: BodyInit | AsyncIterable<unknown> | null
  longwire?: StreamOptions
}

/** A request without its body. */
export interface RequestHead {
  readonly method: string
  /** Absolute, as the browser parsed it; may have a fragment. */
  readonly url: string
  readonly headers: [string, string][]
  readonly redirect: RedirectMode
  readonly timeouts: Timeouts
  readonly signal: AbortSignal
}

/** A request as the arguments of `longwire.fetch` describe it. */
export interface Plan {
  readonly head: RequestHead
  readonly body: BodyPlan
}

/**
 * Let the browser's own Request read the arguments, as its fetch would: methods, forbidden headers, relative URLs,
 * signals. Of RequestInit,
 *
 *   honoured   method, headers, body, duplex, redirect, signal
 *   refused    integrity: the page would rely on a check that nobody makes
 *   ignored    cache, credentials, keepalive, mode, priority, referrer, referrerPolicy, window: Longwire has no cache and
 *              no cookies, sends no Referer, and CORS is replaced by the policy
 *
 * @throws {TypeError} what the browser's own fetch would reject with, or an option that is none
 * @throws {LongwireError} PROTOCOL: a scheme that Longwire does not carry
 */
export function planRequest(input: RequestInfo | URL, init: LongwireInit | undefined): Plan {
  const timeouts = readTimeouts(init?.longwire)
  const iterable = asyncIterableBody(init?.body)
  const request = new NativeRequest(input, (iterable === null ? init : withStandIn(init)) as RequestInit)
  if (requestIntegrity(request) !== '') throw new NativeTypeError('longwire.fetch does not check `integrity`')
  const url = requestUrl(request)
  if (sliceString(url, 0, 5) !== 'http:' && sliceString(url, 0, 6) !== 'https:') {
    throw new LongwireError('PROTOCOL', 'Longwire carries http: and https: URLs only', 'policy')
  }
  const head: RequestHead = {
    method: requestMethod(request),
    url,
    headers: readHeaders(request, init),
    redirect: requestRedirect(request),
    timeouts,
    signal: requestSignal(request)
  }
  return { head, body: iterable ?? planBody(request, init?.body) }
}

/** The init with an async iterable replaced by a stream, which to Request is a body of the same kind. */
function withStandIn(init: LongwireInit | undefined): object {
  const standIn = create(init ?? null)
  defineProperty(standIn, 'body', bare({ value: new NativeReadableStream() }))
  defineProperty(standIn, 'duplex', bare({ value: 'half' }))
  return standIn
}

function readHeaders(request: Request, init: LongwireInit | undefined): [string, string][] {
  const pairs: [string, string][] = []
  headersForEach(requestHeaders(request), (value: string, name: string) => append(pairs, [name, value]))
  const userAgent = readUserAgent(init?.headers)
  if (userAgent !== null) append(pairs, ['user-agent', userAgent])
  return pairs
}

/** Chromium's Request drops User-Agent, which the fetch standard allows a page to set. */
function readUserAgent(headers: HeadersInit | undefined): string | null {
  if (headers === undefined || headers === null) return null
  // An iterator gives its entries once, and Request has had them.
  if (typeof (headers as { next?: unknown }).next === 'function') return null
  return headersGet(new NativeHeaders(headers), 'user-agent')
}

const TIMEOUT_FIELDS = new Map<string, keyof Timeouts>([
  ['headerTimeout', 'header_ms'],
  ['idleTimeout', 'idle_ms'],
  ['totalTimeout', 'total_ms']
])

function readTimeouts(options: StreamOptions | undefined): Timeouts {
  const timeouts: Timeouts = bare({})
  if (options === undefined) return timeouts
  if (typeof options !== 'object' || options === null) throw new NativeTypeError('`longwire` is not an object')
  const names = keys(options)
  for (let i = 0; i < names.length; i++) {
    const name = names[i] as keyof StreamOptions
    const field = mapGet(TIMEOUT_FIELDS, name)
    if (field === undefined) throw new NativeTypeError(`\`longwire.${name}\` is not an option`)
    const value = options[name]
    if (value !== undefined) timeouts[field] = readMilliseconds(name, value)
  }
  return timeouts
}

function readMilliseconds(name: string, value: unknown): number {
  if (!isFiniteNumber(value) || (value as number) <= 0 || (value as number) > MAX_TIMEOUT_MS) {
    throw new NativeTypeError(`\`longwire.${name}\` is not a number of milliseconds from 1 to ${MAX_TIMEOUT_MS}`)
  }
  return ceil(value as number)
}
