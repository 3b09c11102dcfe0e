import { EventSource as LongwireEventSource } from '../client/event-source'
import type { Timeouts } from '../protocol/bridge'
import type { LongwireInit, PatchOptions, StatusReport } from './api'
import {
  apply,
  bare,
  baseUrl,
  construct,
  defineProperty,
  getOwnPropertyDescriptor,
  hasInstanceSymbol,
  headersGet,
  indexOf,
  isArray,
  isRequest,
  keys,
  lowerCase,
  NativeHeaders,
  NativePromise,
  NativeProxy,
  NativeRequest,
  NativeTypeError,
  NativeURL,
  now,
  promiseThen,
  requestHeaders,
  requestUrl
} from './builtins'
import { type Destination, isUnder, readDestinations } from './destinations'
import { readTimeouts } from './options'
import { recordOf } from './request'
import { asyncIterableBody } from './request-body'
import { type Fetch, type FetchArguments, fetchFunction, initOf, type Shim } from './shim'
import { parseSocketUrl } from './socket-arguments'

/** How old the known grants may be before they are asked for again, which a page does not wait for. */
const GRANTS_FRESH_MS = 10_000

type Selection = NonNullable<PatchOptions['select']>

/** What a patched call is about, as far as it can be told without touching its body. */
interface Call {
  readonly url: URL
  /** The page marked it for Longwire. */
  readonly marked: boolean
  /** The browser's own fetch cannot do what is asked. */
  readonly durable: boolean
}

/**
 * Replaces `fetch`, `EventSource` and `WebSocket` of a window until it is undone. Patches may be laid over each other and undone in any
 * order: what is not for Longwire goes to what was there before.
 */
class Patch {
  readonly #shim: Shim
  readonly #select: Selection
  readonly #named: readonly Destination[] | null
  readonly #fallback: boolean
  readonly #timeouts: Timeouts
  readonly #fetchBefore: Fetch
  /** Of the last host that answered; null until one has, or is known not to be there. */
  #granted: readonly Destination[] | null = null
  #grantedAt = 0
  #asking = false
  /** There was no host when it was last asked. */
  #absent = false
  #active = true

  constructor(shim: Shim, target: typeof globalThis, options: PatchOptions) {
    this.#shim = shim
    this.#select = options.select ?? 'all'
    this.#named = options.destinations === undefined ? null : readDestinations(options.destinations)
    this.#fallback = options.fallback ?? false
    this.#timeouts = readTimeouts(options.timeouts)
    this.#fetchBefore = target.fetch as Fetch
    this.#refresh()
  }

  /** @returns undo */
  install(target: typeof globalThis, eventSource: boolean, Ours: typeof WebSocket | null): () => void {
    const restoreFetch = replace(target, 'fetch', this.fetch)
    const restoreEventSource = eventSource
      ? replace(target, 'EventSource', this.#patchedEventSource(target.EventSource))
      : () => undefined
    const restoreWebSocket =
      Ours === null ? () => undefined : replace(target, 'WebSocket', this.#patchedWebSocket(target.WebSocket, Ours))
    return () => {
      if (!this.#active) return
      this.#active = false
      restoreFetch()
      restoreEventSource()
      restoreWebSocket()
    }
  }

  readonly fetch: Fetch = fetchFunction((args) => {
    const call = this.#active ? this.#read(args) : null
    if (call === null) return this.#passOn(args)
    if (this.#granted === null && (this.#fallback || !call.marked)) return this.#fetchLater(call, args)
    if (now() - this.#grantedAt > GRANTS_FRESH_MS) this.#refresh()
    if (!this.#isOurs(call)) return this.#passOn(args)
    return this.#fallback ? this.#fetchLater(call, args) : this.#shim.fetch(args, this.#timeouts)
  })

  #passOn(args: Partial<FetchArguments>): Promise<Response> {
    return apply(this.#fetchBefore, globalThis, args)
  }

  /** Null for what is none of this patch's business, mistakes among it. */
  #read(args: Partial<FetchArguments>): Call | null {
    const init = initOf(args)
    try {
      // None at all is a mistake, and fetch's to tell.
      if (args.length === 0) return null
      const input: unknown = args[0]
      const url = isRequest(input) ? requestUrl(input) : `${input}`
      const marked = isObject(init) && init.longwire !== undefined
      if (!marked && (this.#select === 'marked' || !this.#asksFor(input, init))) return null
      const durable = isObject(init?.longwire) && init.longwire.durable !== undefined
      return { url: new NativeURL(url, baseUrl()), marked, durable }
    } catch {
      return null
    }
  }

  /** Whether the selection takes a call with these headers. */
  #asksFor(input: unknown, init: LongwireInit | undefined): boolean {
    if (this.#select === 'all') return true
    const ofRequest = init?.headers === undefined && isRequest(input)
    const headers = ofRequest ? requestHeaders(input) : headersOf(init)
    const accept = headers === null ? null : headersGet(headers, 'accept')
    return accept !== null && indexOf(lowerCase(accept), 'text/event-stream') !== -1
  }

  /** Without a host, what the page named for Longwire is still meant for it: that there is none is said and not hidden. */
  #isOurs({ url, marked }: Call): boolean {
    if (marked) return true
    if (this.#named !== null && !isUnder(url, this.#named)) return false
    return (this.#absent && this.#named !== null) || (this.#granted !== null && isUnder(url, this.#granted))
  }

  /** Ask the host first. The arguments are taken as they are now, whatever the page does to them meanwhile. */
  #fetchLater(call: Call, given: Partial<FetchArguments>): Promise<Response> {
    return new NativePromise((resolve, reject) => {
      const args = snapshot(given)
      const go = (report: StatusReport | null) => {
        this.#learn(report)
        const ours = this.#isOurs(call) && (call.durable || !(this.#absent && this.#fallback))
        promiseThen(ours ? this.#shim.fetch(args, this.#timeouts) : this.#passOn(args), resolve, reject)
      }
      promiseThen(this.#shim.finalStatus(), go, () => go(null))
    })
  }

  #refresh(): void {
    if (this.#asking) return
    this.#asking = true
    const done = (report: StatusReport | null) => {
      this.#asking = false
      this.#learn(report)
    }
    promiseThen(this.#shim.finalStatus(), done, () => done(null))
  }

  #learn(report: StatusReport | null): void {
    this.#absent = report === null || isMissing(report)
    this.#grantedAt = now()
    // Without a host nothing is known that was not known before.
    if (report === null || this.#absent) this.#granted ??= []
    else this.#granted = readDestinations(report.destinations)
  }

  #patchedEventSource(Before: typeof EventSource): typeof EventSource {
    const patched: typeof EventSource = new NativeProxy(
      Before,
      bare<ProxyHandler<typeof EventSource>>({
        construct: (target, args, newTarget) => {
          // Without an argument, the browser's own says what is missing. A subclass of the page builds on the browser's own prototype.
          if (newTarget !== patched || args.length === 0 || !this.#takesEventSource(args[0])) {
            return construct(target, args, newTarget)
          }
          const withCredentials = Boolean(isObject(args[1]) && args[1]['withCredentials'])
          return new LongwireEventSource(args[0], { withCredentials, fetch: this.fetch as typeof globalThis.fetch })
        },
        get: (target, name, receiver) => {
          if (name !== hasInstanceSymbol) return (target as never)[name]
          return (value: unknown) =>
            value instanceof Before || (receiver === patched && value instanceof LongwireEventSource)
        }
      })
    )
    return patched
  }

  #patchedWebSocket(Before: typeof WebSocket, Ours: typeof WebSocket): typeof WebSocket {
    const patched: typeof WebSocket = new NativeProxy(
      Before,
      bare<ProxyHandler<typeof WebSocket>>({
        construct: (target, args, newTarget) => {
          // A subclass of the page builds on the browser's own prototype.
          const ours = newTarget === patched && args.length > 0 && this.#takesWebSocket(args[0])
          return ours ? construct(Ours, args) : construct(target, args, newTarget)
        },
        get: (target, name, receiver) => {
          if (name !== hasInstanceSymbol) return (target as never)[name]
          return (value: unknown) => value instanceof Before || (receiver === patched && value instanceof Ours)
        }
      })
    )
    return patched
  }

  /** What carries it is decided at once: what is not known to be granted is the browser's, unless the page named it. */
  #takesWebSocket(url: unknown): boolean {
    if (!this.#active || this.#select !== 'all') return false
    try {
      const call = { url: parseSocketUrl(`${url}`), marked: false, durable: false }
      if (now() - this.#grantedAt > GRANTS_FRESH_MS) this.#refresh()
      if (this.#absent && this.#fallback) return false
      if (this.#granted === null) return this.#named !== null && isUnder(call.url, this.#named)
      return this.#isOurs(call)
    } catch {
      return false
    }
  }

  /** As long as the grants are not known, what carries it is decided by its fetch. */
  #takesEventSource(url: unknown): boolean {
    if (!this.#active || this.#select === 'marked') return false
    try {
      const call = { url: new NativeURL(`${url}`, baseUrl()), marked: false, durable: false }
      return this.#granted === null || this.#isOurs(call)
    } catch {
      return false
    }
  }
}

function isMissing({ state }: StatusReport): boolean {
  return state === 'host-missing' || state === 'host-forbidden' || state === 'host-failed'
}

/** What fetch would make of them now; an async iterable it would not understand, and nobody else reads it meanwhile. */
function snapshot(args: Partial<FetchArguments>): Partial<FetchArguments> {
  const init = initOf(args)
  if (isObject(init) && asyncIterableBody(init.body) !== null) return args
  const request = new NativeRequest(args[0] as RequestInfo | URL, init as RequestInit)
  const more: LongwireInit = bare({})
  if (isObject(init) && init.longwire !== undefined) more.longwire = init.longwire
  const headers = headersOf(init)
  const userAgent = headers === null ? null : headersGet(headers, 'user-agent')
  // Chromium's Request drops it, Longwire sends it.
  if (userAgent !== null) {
    const record = recordOf(requestHeaders(request))
    record['user-agent'] = userAgent
    more.headers = record
  }
  return [request, more]
}

/** Null where there are none, or where they are an iterator: it gives its entries once, and they are fetch's. */
function headersOf(init: LongwireInit | undefined): Headers | null {
  const given = isObject(init) ? init.headers : undefined
  if (given === undefined || typeof (given as { next?: unknown }).next === 'function') return null
  return new NativeHeaders(given)
}

/** @returns undo, which leaves alone what the page has put in its place since */
function replace(target: object, name: string, value: unknown): () => void {
  const before = getOwnPropertyDescriptor(target, name) as PropertyDescriptor
  const { enumerable } = before
  defineProperty(target, name, bare({ value, enumerable: enumerable === true, configurable: true, writable: true }))
  return () => {
    if (getOwnPropertyDescriptor(target, name)?.value === value) defineProperty(target, name, bare(before))
  }
}

const SELECTIONS = bare({ all: 0, 'event-streams': 0, marked: 0 })
const OPTIONS = bare({ select: 0, destinations: 0, fallback: 0, eventSource: 0, webSocket: 0, timeouts: 0 })
const OPTION_NAMES = 'select, destinations, fallback, eventSource, webSocket, timeouts'

/** @throws {TypeError} */
function readPatchOptions(given: unknown): PatchOptions {
  if (given === undefined) return bare({})
  if (!isObject(given)) throw new NativeTypeError('The options of longwire.patch are not an object')
  const names = keys(given)
  const options: Record<string, unknown> = bare({})
  for (let i = 0; i < names.length; i++) {
    const name = names[i] as string
    if (!(name in OPTIONS)) {
      throw new NativeTypeError(`\`${name}\` is not an option of longwire.patch: those are ${OPTION_NAMES}`)
    }
    options[name] = (given as Record<string, unknown>)[name]
  }
  const { select, destinations } = options as PatchOptions
  if (select !== undefined && !(`${select}` in SELECTIONS)) throw new NativeTypeError(`\`select: ${select}\` is none`)
  if (destinations !== undefined && !isArray(destinations)) throw new NativeTypeError('`destinations` is not a list')
  return options as PatchOptions
}

function isObject<T>(value: T): value is T & object {
  return (typeof value === 'object' && value !== null) || typeof value === 'function'
}

/** `longwire.patch`; `Ours` is `longwire.WebSocket`. */
export function patch(shim: Shim, Ours: typeof WebSocket, target: typeof globalThis, given: unknown): () => void {
  const options = readPatchOptions(given)
  return new Patch(shim, target, options).install(
    target,
    options.eventSource ?? true,
    options.webSocket === true ? Ours : null
  )
}
