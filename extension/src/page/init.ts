import type { LongwireInit } from './api'
import { bare, NativeHeaders, NativeTypeError } from './builtins'

/** What the page gave, read once: a getter may answer differently the second time, an iterator has nothing more to give. */
export interface InitSnapshot {
  /** For Request, without the body of an async iterable. */
  readonly members: RequestInit
  readonly body: unknown
  /** Also what Request would drop. */
  readonly headers: Headers | null
  readonly longwire: unknown
}

/** Of RequestInit, as far as Chromium knows it, and ours, in the order in which Web IDL reads a dictionary (section 3.2.17): by name. */
const MEMBERS = bare({
  body: 0,
  cache: 0,
  credentials: 0,
  duplex: 0,
  headers: 0,
  integrity: 0,
  keepalive: 0,
  longwire: 0,
  method: 0,
  mode: 0,
  priority: 0,
  redirect: 0,
  referrer: 0,
  referrerPolicy: 0,
  signal: 0
})

/**
 * @throws {TypeError} not an object, or headers that are none
 * @throws whatever the page's getters and iterators throw
 */
export function readInit(init: LongwireInit | null | undefined): InitSnapshot {
  if (init !== undefined && init !== null && typeof init !== 'object' && typeof init !== 'function') {
    throw new NativeTypeError('The second argument of fetch is not an object')
  }
  const members: Record<string, unknown> = bare({})
  if (init !== undefined && init !== null) {
    for (const name in MEMBERS) {
      const value = (init as Record<string, unknown>)[name]
      if (value !== undefined) members[name] = value
    }
  }
  const { body, longwire } = members
  delete members['longwire']
  const headers = members['headers'] === undefined ? null : new NativeHeaders(members['headers'] as HeadersInit)
  return { members, body, headers, longwire }
}
