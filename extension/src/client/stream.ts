import { checkStatus, letGo } from './answer'
import { StreamError } from './errors'
import { isError, isHeartbeat, type StreamEvent } from './event-payload'
import { DELIVERY_OPTIONS, type DeliveryOptions, EventStream, type Run } from './event-stream'
import { asStreamError, isBridgeFailure } from './failure'
import { hostFetch } from './host-fetch'
import { checkInit, checkOptions, type Names } from './options'
import { type Outgoing, prepare, type StreamInit } from './outgoing'
import { READING_OPTIONS, type ReadingOptions, readEvents } from './reading'
import { Replay } from './replay'
import { reportedError } from './reported'
import { delayBefore, mayResend, type RetryOptions, type RetryRules, retryRules } from './retry'
import { checkToken, type Token } from './token'
import type { Fetch } from './types'
import { forHost, hostTimeout, usualFetch } from './usual-fetch'
import { later, pause, within } from './waiting'

export interface StreamOptions extends ReadingOptions, DeliveryOptions {
  /** `globalThis.fetch` by default; `longwire.fetch`. */
  fetch?: Fetch
  /** Sent as a JSON body, with POST unless the init says otherwise. */
  body?: unknown
  token?: Token
  /** `false`: one attempt. */
  retry?: RetryOptions | false
  /** The server continues behind the `Last-Event-ID` that it is sent. */
  resume?: boolean
  /**
   * Have the request outlive the page, under this key: whoever asks for the same again, after a reload too, gets the same
   * answer from its beginning. It is sent once. When the bridge or the host is lost the stream goes on with the next byte,
   * as often and as soon as `retry` says, and no other failure is tried again. Only `longwire.fetch` can do it.
   */
  durable?: string
  /** Milliseconds until the response's headers. */
  headerTimeout?: number
  /** Milliseconds for everything, waits and further attempts included. */
  totalTimeout?: number
  /**
   * A request was sent again from the beginning, and all that was delivered is void: clear what is shown. Without this,
   * what was delivered stays, the new answer is delivered from where it goes on, and REPLAY_DIFFERS ends the stream if it
   * begins otherwise.
   */
  onRestart?: (reason: StreamError) => void
  /** Asks for the answer in one piece, when nothing was delivered and no attempt is left. */
  fallback?: (reason: StreamError, signal: AbortSignal) => Response | Promise<Response>
}

const OPTIONS: Names<StreamOptions> = {
  ...READING_OPTIONS,
  ...DELIVERY_OPTIONS,
  fetch: 0,
  body: 0,
  token: 0,
  retry: 0,
  resume: 0,
  durable: 0,
  headerTimeout: 0,
  totalTimeout: 0,
  onRestart: 0,
  fallback: 0
}

/**
 * A request whose answer is a stream of events, sent again where that helps and can do no harm.
 *
 *     const answer = stream(url, {}, { fetch: longwire.fetch, body: { prompt }, onText: (added) => show(added) })
 *     stop.onclick = () => answer.cancel()
 *     await answer.readToCompletion()
 *
 * It is sent when reading begins. It fails with a StreamError; an abort of `init.signal` with ABORTED, whose `cause` is the
 * signal's reason. `cancel` ends it without an error.
 *
 * @throws {TypeError} a URL, header, method, body or option that is none (OptionError)
 */
export function stream(url: string | URL | Request, init: StreamInit = {}, options: StreamOptions = {}): EventStream {
  checkOptions(options, OPTIONS, 'stream()')
  checkInit(init, OPTIONS)
  checkToken(options.token)
  const rules = retryRules(options.retry)
  const outgoing = prepare(url, init, options.body)
  checkDurable(options, outgoing)
  return open(outgoing, rules, options, null)
}

function checkDurable({ durable, resume }: StreamOptions, { repeatable }: Outgoing): void {
  if (durable === undefined) return
  if (typeof durable !== 'string') throw new TypeError('`durable` is not the name of a key')
  if (resume) throw new TypeError('What is `durable` goes on by itself: leave out `resume`')
  if (!repeatable) throw new TypeError('A durable request needs a body that is whole, and no stream')
}

/** @param before what it goes on behind, null for one that begins at the beginning */
function open(outgoing: Outgoing, rules: RetryRules, options: StreamOptions, before: EventStream | null): EventStream {
  const again = (last: EventStream) => {
    if (!outgoing.repeatable)
      throw new TypeError('The body of the request was a stream, which is gone when it was sent')
    return open(outgoing, rules, options, options.resume && last.lastEventId !== '' ? last : null)
  }
  const source = (run: Run) => new Exchange(outgoing, rules, options, run).events()
  return new EventStream(source, options, outgoing.signal, { again, before })
}

/** One call of `stream`, over all its attempts. */
class Exchange {
  readonly #outgoing: Outgoing
  readonly #rules: RetryRules
  readonly #options: StreamOptions
  readonly #run: Run
  readonly #replay = new Replay()
  #attempt = 1
  /** Attempts since something new came that need not come again. */
  #failures = 0
  #serverDelay: number | undefined
  #delivered = false
  #plainText = false
  /** Somewhere behind the beginning, what came before was forgotten: only a server that resumes can go on from there. */
  #forgotten = false
  /** Of a durable answer, the byte from which it was read last. */
  #attachedAt = 0

  constructor(outgoing: Outgoing, rules: RetryRules, options: StreamOptions, run: Run) {
    this.#outgoing = outgoing
    this.#rules = rules
    this.#options = options
    this.#run = run
  }

  async *events(): AsyncGenerator<StreamEvent, void, undefined> {
    const { totalTimeout } = this.#options
    const late = () => {
      this.#run.abort(new StreamError('TOTAL_TIMEOUT', `The stream took longer than ${totalTimeout} ms`))
    }
    const timer = totalTimeout === undefined ? undefined : later(late, totalTimeout)
    try {
      for (;;) {
        try {
          return yield* this.#once()
        } catch (error) {
          // Anything else was thrown by one of the caller's own functions.
          if (!(error instanceof StreamError)) throw error
          const reason = this.#refuse(error)
          if (reason !== null) return yield* this.#fallBack(reason)
          await this.#wait(error)
        }
      }
    } finally {
      clearTimeout(timer)
    }
  }

  /** One attempt. */
  async *#once(): AsyncGenerator<StreamEvent, void, undefined> {
    const run = this.#run
    run.report({ state: 'connecting', attempt: this.#attempt })
    const response = await this.#send()
    run.meter.headers(response)
    run.report({ state: 'open', attempt: this.#attempt, status: response.status })
    await checkStatus(response, run.signal)
    const hooks = {
      retry: (milliseconds: number) => {
        this.#serverDelay = milliseconds
      },
      format: (format: string) => {
        this.#plainText = format === 'text'
      },
      reached: (id: string) => this.#reach(id),
      ...(this.#options.durable === undefined ? {} : { attach: this.#attach })
    }
    for await (const event of readEvents(response, this.#options, run, hooks)) yield* this.#pass(event)
    this.#replay.end()
  }

  readonly #attach = async (failure: StreamError, bytes: number) => {
    if (bytes > this.#attachedAt) this.#failures = 0
    this.#attachedAt = bytes
    for (let reason = failure; ; ) {
      const refused = this.#refuse(reason)
      if (refused !== null) throw refused
      await this.#wait(reason)
      try {
        this.#run.report({ state: 'connecting', attempt: this.#attempt })
        const { status, body } = await this.#send(bytes)
        this.#run.report({ state: 'open', attempt: this.#attempt, status })
        return (body as ReadableStream<Uint8Array<ArrayBuffer>>).getReader()
      } catch (error) {
        if (!(error instanceof StreamError)) throw error
        reason = error
      }
    }
  };

  *#pass(event: StreamEvent): Generator<StreamEvent, void, undefined> {
    // Signs of life come when they come, in a repeated answer too.
    if (isHeartbeat(event)) return yield event
    if (isError(event)) yield* this.#fail(event)
    const fresh = this.#replay.pass(event, this.#plainText)
    if (fresh === null) return
    this.#delivered = true
    yield fresh
  }

  /** What the server reports is an event too, and the last, unless the server says that the request may be sent again. */
  *#fail(event: StreamEvent): Generator<StreamEvent, never, undefined> {
    const error = reportedError(event)
    if (this.#refuse(error) !== null) {
      this.#delivered = true
      yield event
    }
    throw error
  }

  #reach(id: string): boolean {
    // The next attempt has to begin no later than what is repeated now.
    if (this.#replay.repeating) return false
    // An id that is taken back is nothing to resume behind.
    if (this.#options.resume && id !== '' && this.#replay.reach()) {
      this.#forgotten = true
      this.#failures = 0
    }
    return true
  }

  /** @param from of a durable answer, the first byte that is wanted */
  async #send(from = 0): Promise<Response> {
    const { token, headerTimeout, durable } = this.#options
    const { fetch = durable === undefined ? usualFetch : hostFetch } = this.#options
    const aborter = new AbortController()
    const { signal } = this.#run
    const abort = () => aborter.abort(signal.reason)
    if (signal.aborted) throw signal.reason
    signal.addEventListener('abort', abort)
    const late = () =>
      new StreamError('HEADERS_TIMEOUT', `The server did not begin to answer within ${headerTimeout} ms`)
    let answer: Promise<Response> | undefined
    try {
      const { url, init } = await this.#outgoing.next(token, this.#resumes() ? this.#run.lastEventId : '')
      const told =
        durable === undefined
          ? forHost(fetch, headerTimeout, init.longwire)
          : { longwire: { ...hostTimeout(headerTimeout), ...init.longwire, durable: { key: durable, from } } }
      answer = fetch(url, { ...init, ...told, signal: aborter.signal })
      return await within(answer, signal, headerTimeout, late)
    } catch (error) {
      // A request that is late goes on unless it is told, and beyond that if its fetch does not listen.
      aborter.abort(error)
      letGo(answer)
      throw asStreamError(error, 'fetch')
    }
  }

  #resumes(): boolean {
    return Boolean(this.#options.resume) && this.#run.lastEventId !== ''
  }

  /** Null if the request may be sent again; else what the stream fails with. */
  #refuse(failure: StreamError): StreamError | null {
    const { retries } = this.#rules
    const { method, headers, repeatable } = this.#outgoing
    const sent = { method, headers, repeatable, resumes: this.#resumes(), answered: this.#run.meter.bytesReceived > 0 }
    const again = this.#options.durable === undefined ? mayResend(failure, sent, this.#rules) : isBridgeFailure(failure)
    if (this.#run.signal.aborted || !again) return failure
    // From the beginning again, and nobody knows any more what of it was shown.
    if (this.#forgotten && !sent.resumes && this.#options.onRestart === undefined) return failure
    if (retries === 0) return failure
    if (this.#failures >= retries) {
      const text = `The stream failed ${retries + 1} times; the last time: ${failure.message}`
      const { status, retryAfter, body } = failure
      return new StreamError('MAX_RETRIES_EXCEEDED', text, { cause: failure, status, retryAfter, body })
    }
    return delayBefore(1, failure, this.#rules) === null ? failure : null
  }

  async #wait(reason: StreamError): Promise<void> {
    this.#failures += 1
    this.#attempt += 1
    const delay = delayBefore(this.#failures, reason, this.#rules, this.#serverDelay) ?? 0
    this.#run.report({ state: 'waiting', attempt: this.#attempt, delay, until: Date.now() + delay, reason })
    await pause(delay, this.#run.signal, this.#run.waits)
    // What is durable goes on where it was.
    if (!this.#delivered || this.#options.durable !== undefined) return
    if (this.#options.onRestart === undefined || this.#resumes()) this.#replay.restart()
    else {
      this.#replay.forget()
      this.#run.restart()
      this.#options.onRestart(reason)
    }
  }

  async *#fallBack(reason: StreamError): AsyncGenerator<StreamEvent, void, undefined> {
    const { fallback } = this.#options
    const hopeless = HOPELESS.has(reason.category) || this.#delivered
    if (fallback === undefined || hopeless || this.#run.signal.aborted) throw reason
    this.#run.report({ state: 'falling-back', reason })
    const { signal } = this.#run
    const answer = Promise.resolve(fallback(reason, signal))
    const response = await within(answer, signal).catch((error: unknown) => {
      letGo(answer)
      throw asStreamError(error, 'fetch')
    })
    this.#run.meter.headers(response)
    await checkStatus(response, signal)
    // In one piece: an answer that breaks off is not to be half shown.
    const events: StreamEvent[] = []
    const { until: _, ...options } = this.#options
    for await (const event of readEvents(response, { ...options, endEvent: false }, this.#run)) events.push(event)
    yield* events
  }
}

/** What another way of asking does not mend. */
const HOPELESS: ReadonlySet<string> = new Set(['CANCELLED', 'AUTH', 'POLICY', 'RATE_LIMITED'])
