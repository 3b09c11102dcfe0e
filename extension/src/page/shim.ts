import type { AbortReason, Status, ToPage } from '../protocol/bridge'
import {
  bare,
  defineProperty,
  hasOwn,
  mapDelete,
  mapForEach,
  mapGet,
  mapSet,
  mapSize,
  NativePromise,
  NativeTypeError,
  nativeFetch,
  promiseThen,
  signalAborted,
  signalReason
} from './builtins'
import { Channel } from './channel'
import { LongwireError } from './errors'
import { Exchange, type ExchangeHost, type Outcome } from './exchange'
import type { LongwireInit } from './init'
import { type BodyPlan, discardBody, type Payload, preparePayload } from './payload'
import { type LocalPlan, type Plan, planRequest } from './request'
import { resolveWith } from './response'

/** The arguments of fetch. */
export type FetchArguments = [input: RequestInfo | URL, init?: LongwireInit]

export type Fetch = (...args: Partial<FetchArguments>) => Promise<Response>

/** A function with the shape of the browser's own: one required argument, no constructor. */
export function fetchFunction(run: (args: Partial<FetchArguments>) => Promise<Response>): Fetch {
  const fetch: Fetch = (...args) => run(args)
  return defineProperty(fetch, 'length', bare({ value: 1, configurable: true }))
}

/** The second argument. What is not there is not looked for: Array.prototype may have one. */
export function initOf(args: Partial<FetchArguments>): LongwireInit | undefined {
  return args.length > 1 ? args[1] : undefined
}

/** What `longwire.status()` gives. */
export type StatusReport = Omit<Status, 'type' | 'request'>

interface StatusWaiter {
  readonly resolve: (report: StatusReport) => void
  readonly reject: (error: LongwireError) => void
}

const NO_RELAY =
  'The Longwire extension does not answer on this page. Reload the page; if that does not help, check that the extension is enabled and may access this site.'
const RESTORED =
  'The page came back from the back/forward cache, where no stream can stay open. Start the request again.'
const REPLACED = 'The Longwire extension was reloaded or updated. Start the request again.'

/** The page's side of the bridge: every call of the page, by its id. */
export class Shim {
  /** Where the relay's port goes. */
  readonly channel: Channel
  readonly #exchanges = new Map<number, Exchange>()
  readonly #statuses = new Map<number, StatusWaiter>()
  #lastId = 0
  #lastRequest = 0

  /** @param announce ask for a relay's port; answered, if at all, before it returns */
  constructor(announce: () => void) {
    this.channel = new Channel({
      announce,
      message: (message) => this.#receive(message),
      replaced: () => this.#loseAll(REPLACED, 'page-gone')
    })
  }

  /** `longwire.fetch`. */
  fetch(args: Partial<FetchArguments>): Promise<Response> {
    return new NativePromise((resolve, reject) => {
      if (args.length === 0) throw new NativeTypeError('fetch needs an argument')
      const plan = planRequest(args[0] as RequestInfo | URL, initOf(args))
      if (hasOwn(plan, 'local')) {
        const { local } = plan as LocalPlan
        promiseThen(nativeFetch(local), (response) => resolveWith(resolve, response), reject)
        return
      }
      const { head, body } = plan as Plan
      const { signal } = head
      if (signalAborted(signal)) {
        discardBody(body, signalReason(signal))
        reject(signalReason(signal))
      } else this.#begin({ head, body }, { resolve, reject })
    })
  }

  /** `longwire.status`. */
  status(): Promise<StatusReport> {
    return new NativePromise((resolve, reject) => {
      this.channel.acquire(this.#idle(), (arrived) => {
        if (!arrived) return reject(new LongwireError('BRIDGE_LOST', NO_RELAY, 'connect'))
        this.#lastRequest += 1
        mapSet(this.#statuses, this.#lastRequest, { resolve: (report) => resolveWith(resolve, report), reject })
        this.channel.post({ type: 'STATUS_REQUEST', request: this.#lastRequest })
      })
    })
  }

  /** The page was restored from the back/forward cache: its relay gave the worker's port back when it went in. */
  restored(): void {
    this.#loseAll(RESTORED, null)
  }

  #begin(plan: Plan, outcome: Outcome): void {
    let unsent: BodyPlan | null = plan.body
    const host: ExchangeHost = {
      post: (message) => this.channel.post(message),
      closed: ({ id }, reason) => {
        if (unsent !== null) discardBody(unsent, reason)
        mapDelete(this.#exchanges, id)
      }
    }
    this.#lastId += 1
    const exchange = new Exchange(this.#lastId, plan.head, host, outcome)
    const start = (payload: Payload) =>
      this.channel.acquire(this.#idle(), (arrived) => {
        if (exchange.over) return
        if (!arrived) return exchange.fail(new LongwireError('BRIDGE_LOST', NO_RELAY, 'connect'), null)
        unsent = null
        mapSet(this.#exchanges, exchange.id, exchange)
        exchange.start(payload)
      })
    const payload = preparePayload(plan.body, plan.head.onUploadProgress === null ? undefined : 0)
    // Not `in`: a polluted Object.prototype has whatever is looked for.
    if (hasOwn(payload, 'body')) start(payload as Payload)
    else void startLater(payload as Promise<Payload>, start, exchange)
  }

  #receive(message: ToPage): void {
    if (message.type === 'STATUS') this.#receiveStatus(message)
    else if (message.type === 'BRIDGE_LOST') {
      if (message.replaced) this.channel.detach()
      this.#loseAll(message.message, null)
    } else mapGet(this.#exchanges, message.id)?.receive(message)
  }

  #receiveStatus({ type, request, ...report }: Status): void {
    const waiter = mapGet(this.#statuses, request)
    mapDelete(this.#statuses, request)
    waiter?.resolve(report)
  }

  #loseAll(text: string, tell: AbortReason | null): void {
    mapForEach(this.#exchanges, (exchange) => exchange.bridgeLost(text, tell))
    mapForEach(this.#statuses, ({ reject }) => reject(new LongwireError('BRIDGE_LOST', text, 'connect')))
    mapForEach(this.#statuses, (_, request) => mapDelete(this.#statuses, request))
  }

  #idle(): boolean {
    return mapSize(this.#exchanges) === 0 && mapSize(this.#statuses) === 0
  }
}

/** The body has to be read before it can be announced. */
async function startLater(
  preparing: Promise<Payload>,
  start: (payload: Payload) => void,
  exchange: Exchange
): Promise<void> {
  try {
    start(await preparing)
  } catch (cause) {
    const text = 'The request body could not be read'
    exchange.fail(new LongwireError('UPLOAD_FAILED', text, 'connect', { cause }), null)
  }
}
