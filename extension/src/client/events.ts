import { checkStatus, letGo } from './answer'
import type { StreamEvent } from './event-payload'
import { DELIVERY_OPTIONS, type DeliveryOptions, EventStream, type Run } from './event-stream'
import { asStreamError } from './failure'
import { checkOptions, type Names } from './options'
import { READING_OPTIONS, type ReadingOptions, readEvents } from './reading'
import { usualFetch } from './usual-fetch'
import { within } from './waiting'

type EventsFetch = (request: Request, init: RequestInit) => Promise<Response>

export interface EventsOptions extends ReadingOptions, DeliveryOptions {
  /** For a Request: `globalThis.fetch` by default. */
  fetch?: EventsFetch
  /** Fires: reading fails with ABORTED, whose `cause` is the signal's reason. */
  signal?: AbortSignal
}

const OPTIONS: Names<EventsOptions> = { ...READING_OPTIONS, ...DELIVERY_OPTIONS, fetch: 0, signal: 0 }

/**
 * The events of one response: text/event-stream exactly as the HTML standard says, NDJSON, JSON, or plain text.
 *
 *     for await (const event of events(await fetch(url))) show(event.text)
 *
 * Reading fails with a StreamError: a status that is no success, a content type that holds no events, HTML, JSON that is
 * none, an event over the limit, a stall, a connection that breaks. A Request is sent once, when reading begins.
 *
 * @throws {TypeError} the response has been read already, or an option is none (OptionError)
 */
export function events(from: Response | Request | Promise<Response>, options: EventsOptions = {}): EventStream {
  checkOptions(options, OPTIONS, 'events()')
  if ('bodyUsed' in from && from.bodyUsed) throw new TypeError('The body has been used already')
  return new EventStream((run) => read(from, options, run), options, options.signal)
}

async function* read(
  from: Response | Request | Promise<Response>,
  options: EventsOptions,
  run: Run
): AsyncGenerator<StreamEvent, void, undefined> {
  run.report({ state: 'connecting', attempt: 1 })
  const response = await receive(from, options.fetch ?? (usualFetch as unknown as EventsFetch), run.signal)
  run.meter.headers(response)
  run.report({ state: 'open', attempt: 1, status: response.status })
  await checkStatus(response, run.signal)
  yield* readEvents(response, options, run)
}

async function receive(
  from: Response | Request | Promise<Response>,
  fetch: EventsFetch,
  signal: AbortSignal
): Promise<Response> {
  let answer = from instanceof Request ? undefined : Promise.resolve(from)
  try {
    signal.throwIfAborted()
    answer ??= fetch(from as Request, { signal })
    return await within(answer, signal)
  } catch (error) {
    letGo(answer)
    throw asStreamError(error, 'fetch')
  }
}
