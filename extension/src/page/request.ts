import type { RedirectMode, Timeouts } from '../protocol/bridge'
import { DURABLE_URL, GENERATE_URL } from '../shared/names'
import type { LongwireInit } from './api'
import {
  append,
  bare,
  headersForEach,
  headersGet,
  headersHas,
  NativeReadableStream,
  NativeRequest,
  NativeTypeError,
  requestCache,
  requestHeaders,
  requestIntegrity,
  requestMethod,
  requestRedirect,
  requestSignal,
  requestUrl,
  startsWith
} from './builtins'
import { LongwireError } from './errors'
import { type InitSnapshot, readInit } from './init'
import { type Integrity, readIntegrity } from './integrity'
import { type Options, readOptions } from './options'
import { asyncIterableBody, type BodyPlan, planBody } from './request-body'

/** A request without its body. */
export interface RequestHead extends Options {
  readonly method: string
  /** Absolute, as the browser parsed it, with its fragment; or GENERATE_URL, or what begins with DURABLE_URL. */
  readonly url: string
  readonly headers: [string, string][]
  readonly redirect: RedirectMode
  readonly signal: AbortSignal
  /** What the response's body must be, if the page said so. */
  readonly integrity: Integrity | null
}

/** A request as the arguments of `longwire.fetch` describe it. */
export interface Plan {
  readonly head: RequestHead
  readonly body: BodyPlan
}

/** A request that no server has a part in: the browser itself has what its URL names. */
export interface LocalPlan {
  readonly local: Request
}

/**
 * Let the browser's own Request read the arguments, as its fetch would: methods, forbidden headers, relative URLs,
 * signals. docs/page-api.md says of every member of RequestInit whether it is honoured, ignored or refused.
 *
 * @param usual the timeouts where `init.longwire` names none
 * @throws {TypeError} what the browser's own fetch would reject with, or an option that is none
 * @throws {LongwireError} PROTOCOL: a scheme that Longwire does not carry
 */
export function planRequest(
  input: RequestInfo | URL,
  init: LongwireInit | undefined,
  usual?: Timeouts
): Plan | LocalPlan {
  const given = readInit(init)
  const options = readOptions(given.longwire, usual)
  const iterable = asyncIterableBody(given.body)
  const request = new NativeRequest(input, membersFor(given, iterable !== null))
  const url = requestUrl(request)
  if (startsWith(url, 'data:') || startsWith(url, 'blob:')) return { local: request }
  if (
    !startsWith(url, 'http:') &&
    !startsWith(url, 'https:') &&
    url !== GENERATE_URL &&
    !startsWith(url, DURABLE_URL)
  ) {
    throw new LongwireError('PROTOCOL', 'Longwire carries http: and https: URLs only', 'policy')
  }
  const head: RequestHead = {
    method: requestMethod(request),
    url,
    headers: readHeaders(request, given.headers),
    redirect: requestRedirect(request),
    signal: requestSignal(request),
    integrity: readIntegrity(requestIntegrity(request)),
    ...options
  }
  const body = iterable ?? planBody(request, given.body)
  if (head.durable !== null && body.kind === 'source') {
    const text =
      'A durable request needs a body that can be read whole: give text, bytes, a Blob or FormData, no stream'
    throw new NativeTypeError(text)
  }
  return { head, body }
}

/** What Request reads: an async iterable is replaced by a stream, which to Request is a body of the same kind. */
function membersFor({ members, headers }: InitSnapshot, iterable: boolean): RequestInit {
  if (headers !== null) members.headers = recordOf(headers)
  if (iterable) {
    members.body = new NativeReadableStream()
    // Not yet in TypeScript's own types.
    ;(members as { duplex: string }).duplex = 'half'
  }
  return members
}

/** A record is read by its own properties; Headers would be iterated by whatever protocol the page left. */
export function recordOf(headers: Headers): Record<string, string> {
  const record: Record<string, string> = bare({})
  headersForEach(headers, (value: string, name: string) => {
    record[name] = value
  })
  return record
}

function readHeaders(request: Request, given: Headers | null): [string, string][] {
  const pairs: [string, string][] = []
  const headers = requestHeaders(request)
  headersForEach(headers, (value: string, name: string) => append(pairs, [name, value]))
  // Chromium's Request drops User-Agent, which the fetch standard allows a page to set.
  const userAgent = given === null ? null : headersGet(given, 'user-agent')
  if (userAgent !== null) append(pairs, ['user-agent', userAgent])
  tellCaches(requestCache(request), headers, pairs)
  return pairs
}

/**
 * Longwire has no cache; others on the way may have. Fetch standard, "HTTP-network-or-cache fetch", steps 8.16 and 8.17.
 *
 * @throws {TypeError} only a cache may answer
 */
function tellCaches(mode: RequestCache, headers: Headers, pairs: [string, string][]): void {
  if (mode === 'only-if-cached') throw new NativeTypeError('Longwire has no cache, so nothing is cached')
  const fresh = mode === 'no-store' || mode === 'reload'
  if (fresh && !headersHas(headers, 'pragma')) append(pairs, ['pragma', 'no-cache'])
  if ((fresh || mode === 'no-cache') && !headersHas(headers, 'cache-control')) {
    append(pairs, ['cache-control', fresh ? 'no-cache' : 'max-age=0'])
  }
}
