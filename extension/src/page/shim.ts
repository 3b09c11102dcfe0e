import type { AbortReason, DirectOpen, Status, Timeouts, ToPage, WaitsFor } from '../protocol/bridge'
import type { LongwireInit, StatusReport } from './api'
import {
  append,
  bare,
  defineProperty,
  hasOwn,
  isArray,
  keys,
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
  signalReason,
  startTimer,
  stopTimer
} from './builtins'
import { Channel } from './channel'
import { LongwireError } from './errors'
import { Exchange, type ExchangeHost, type Outcome } from './exchange'
import { type LocalPlan, type Plan, planRequest } from './request'
import { type BodyPlan, discardBody, type Payload, preparePayload } from './request-body'
import { resolveWith } from './response'
import { Socket, type SocketEvents, type SocketHost, type SocketPlan } from './socket'
import { Unpacker } from './unpacking'

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

/** After how long a question that is not answered says what it waits for. */
export const WORTH_A_WORD_MS = 1_000

/** What one id stands for: a call of `fetch`, or a socket. */
type PageStream = Exchange | Socket

interface StatusWaiter {
  readonly resolve: (report: StatusReport) => void
  readonly reject: (error: LongwireError) => void
}

const NO_RELAY =
  'The Longwire extension does not answer on this page. Reload the page; if that does not help, check that the extension is enabled and may access this site.'
const RESTORED =
  'The page came back from the back/forward cache, where no stream can stay open. Start the request again.'
const REPLACED = 'The Longwire extension was reloaded or updated. Start the request again.'

const WAITS_FOR = bare({
  extension: 'The browser has not started the Longwire extension yet. Ask again.',
  settings: 'The browser has not said yet what its administrator set for Longwire when it last ran. Ask again.',
  permission: 'The browser has not said yet whether it lets Longwire into this site. Ask again.',
  host: 'The Longwire host is starting. Ask again.'
})

/** The page's side of the bridge: every call of the page, by its id. */
export class Shim {
  /** Where the relay's port goes. */
  readonly channel: Channel
  readonly #exchanges = new Map<number, PageStream>()
  readonly #unpacker = new Unpacker((message) => mapGet(this.#exchanges, message.id)?.receive(message))
  /** Who waits for the answer to the question that is open. */
  #asked: StatusWaiter[] = []
  /** Who waits for the next. */
  #asking: StatusWaiter[] = []
  #questionOpen = false
  /** The open question was lost once, and is asked again. */
  #askedAgain = false
  /** What the open question waits for, as far as this page was told. */
  #waitsFor: WaitsFor | 'extension' = 'extension'
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

  /**
   * `longwire.fetch`.
   *
   * @param usual the timeouts of a call that names none
   */
  fetch(args: Partial<FetchArguments>, usual?: Timeouts): Promise<Response> {
    return new NativePromise((resolve, reject) => {
      if (args.length === 0) throw new NativeTypeError('fetch needs an argument')
      const plan = planRequest(args[0] as RequestInfo | URL, initOf(args), usual)
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

  /** `longwire.status`: the answer, or after a second what it waits for. */
  status(): Promise<StatusReport> {
    return new NativePromise((resolve, reject) => {
      let timer = 0
      const say = () => {
        if (this.#asked.length > 0) resolveWith(resolve, this.#starting())
        // The search for a relay has an end of its own.
        else timer = startTimer(say, WORTH_A_WORD_MS)
      }
      timer = startTimer(say, WORTH_A_WORD_MS)
      const settle = <T>(then: (value: T) => void) => {
        return (value: T) => {
          stopTimer(timer)
          then(value)
        }
      }
      promiseThen(
        this.finalStatus(),
        settle((report: StatusReport) => resolveWith(resolve, report)),
        settle(reject)
      )
    })
  }

  /**
   * The answer, however long it takes. Calls made while a question is open share the next one: no answer is older than its
   * question.
   */
  finalStatus(): Promise<StatusReport> {
    return new NativePromise((resolve, reject) => {
      append(this.#asking, { resolve: (report) => resolveWith(resolve, copyOf(report)), reject })
      this.#ask()
    })
  }

  /** The page was restored from the back/forward cache: its relay gave the worker's port back when it went in. */
  restored(): void {
    this.#loseAll(RESTORED, null)
  }

  /** A WebSocket. */
  connect(plan: SocketPlan, events: SocketEvents): Socket {
    this.#lastId += 1
    const id = this.#lastId
    const host: SocketHost = {
      post: (message) => this.channel.post(message),
      closed: () => mapDelete(this.#exchanges, id)
    }
    const socket = new Socket(id, plan, host, events)
    this.channel.acquire(this.#idle(), (arrived) => {
      if (socket.over) return
      if (!arrived) return socket.fail(new LongwireError('BRIDGE_LOST', NO_RELAY, 'connect'), null)
      mapSet(this.#exchanges, id, socket)
      socket.start()
    })
    return socket
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

  #receive(message: Exclude<ToPage, DirectOpen>): void {
    if (message.type === 'STATUS') this.#receiveStatus(message)
    else if (message.type === 'WAITING') this.#waitsFor = message.what
    else if (message.type === 'BRIDGE_LOST') {
      if (message.replaced) this.channel.detach()
      this.#loseAll(message.message, null)
    } else this.#unpacker.pass(message)
  }

  #ask(): void {
    if (this.#questionOpen || this.#asking.length === 0) return
    this.#questionOpen = true
    this.channel.acquire(this.#idle(), (arrived) => {
      this.#asked = this.#asking
      this.#asking = []
      if (!arrived) return this.#loseStatus(NO_RELAY)
      this.#lastRequest += 1
      this.#waitsFor = 'extension'
      this.channel.post({ type: 'STATUS_REQUEST', request: this.#lastRequest })
    })
  }

  #starting(): StatusReport {
    const waiting = this.#waitsFor
    return { state: 'starting', waiting, destinations: [], fix: WAITS_FOR[waiting] }
  }

  #receiveStatus({ type, request, ...report }: Status): void {
    const asked = this.#asked
    if (asked.length === 0 || request !== this.#lastRequest) return
    this.#asked = []
    this.#questionOpen = false
    this.#askedAgain = false
    for (let i = 0; i < asked.length; i++) asked[i]?.resolve(report)
    this.#ask()
  }

  #loseAll(text: string, tell: AbortReason | null): void {
    this.channel.closeDirect()
    mapForEach(this.#exchanges, (exchange) => exchange.bridgeLost(text, tell))
    // A question that is still waiting for a relay has lost nothing.
    if (this.#asked.length > 0) this.#loseQuestion(text)
  }

  /** A question has no effects, so it is asked again: once, or a worker that dies of it would be started for ever. */
  #loseQuestion(text: string): void {
    if (this.#askedAgain) return this.#loseStatus(text)
    for (let i = 0; i < this.#asking.length; i++) append(this.#asked, this.#asking[i] as StatusWaiter)
    this.#asking = this.#asked
    this.#asked = []
    this.#questionOpen = false
    this.#askedAgain = true
    this.#ask()
  }

  #loseStatus(text: string): void {
    const waiters = this.#asked
    for (let i = 0; i < this.#asking.length; i++) append(waiters, this.#asking[i] as StatusWaiter)
    this.#asked = []
    this.#asking = []
    this.#questionOpen = false
    this.#askedAgain = false
    for (let i = 0; i < waiters.length; i++) waiters[i]?.reject(new LongwireError('BRIDGE_LOST', text, 'connect'))
  }

  #idle(): boolean {
    return mapSize(this.#exchanges) === 0 && this.#asked.length === 0
  }
}

/** Each caller has its own, all through: pages write into what they are given. */
function copyOf<T>(value: T): T {
  if (typeof value !== 'object' || value === null) return value
  if (isArray(value)) {
    const list: unknown[] = []
    for (let i = 0; i < value.length; i++) append(list, copyOf(value[i]))
    return list as T
  }
  const copy = { ...value }
  const names = keys(copy) as (keyof T)[]
  for (let i = 0; i < names.length; i++) {
    const name = names[i] as keyof T
    copy[name] = copyOf(copy[name])
  }
  return copy
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
