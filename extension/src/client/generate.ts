import type { StreamEvent } from './event-payload'
import type { EventStream } from './event-stream'
import type { AnyGenerationEvent, GenerationRequest } from './generation'
import { hostFetch } from './host-fetch'
import { OptionError } from './options'
import type { RetryOptions } from './retry'
import { type StreamOptions, stream } from './stream'
import type { Fetch } from './types'
import { hostTimeout } from './usual-fetch'

/** The options of `generate`: those of `stream`, but for what the host does by itself. */
export interface GenerateOptions
  extends Omit<StreamOptions, 'body' | 'fetch' | 'token' | 'retry' | 'resume' | 'fallback' | 'onRestart' | 'onEvents'> {
  signal?: AbortSignal | null
  /** Timeouts of `longwire.fetch`. */
  longwire?: object
  /** With `durable`: how often, and how soon, a lost answer is attached to again. */
  retry?: RetryOptions | false
  /** Events since the last call. */
  onEvents?: (events: readonly GenerationStreamEvent[]) => void
}

/** One event of a generation: `data` is what the host says, `text` what it adds to the answer. */
export type GenerationStreamEvent = {
  readonly [Type in AnyGenerationEvent['type']]: Omit<StreamEvent, 'type' | 'data'> & {
    readonly type: Type
    readonly data: Extract<AnyGenerationEvent, { type: Type }>
  }
}[AnyGenerationEvent['type']]

/** An EventStream whose events are typed. */
export interface GenerationStream
  extends Omit<EventStream, 'toReadableStream' | 'retry' | typeof Symbol.asyncIterator> {
  toReadableStream(): ReadableStream<GenerationStreamEvent>
  retry(): GenerationStream
  [Symbol.asyncIterator](): AsyncGenerator<GenerationStreamEvent, void, undefined>
}

/** No server's address: the host knows the providers. */
const GENERATE_URL = 'longwire:generate'

/** What the host does: a second attempt of the page's would be paid for, too. */
const NOT_HERE = ['body', 'fetch', 'token', 'retry', 'resume', 'fallback', 'onRestart'] as const

/**
 * An answer of a language model, by way of the host: it has the key, asks again where that costs nothing, and asks the
 * request's `fallback` where the provider cannot.
 *
 *     const answer = longwire.generate({ provider: 'openai', messages: [{ role: 'user', content: 'Why?' }] })
 *     for await (const { type, data, text } of answer) show(text)
 *
 * The request is sent when reading begins. It fails with a StreamError whose `code` is that of the `error` event.
 *
 * @throws {TypeError} an option that is none (OptionError), or a request that JSON cannot say
 */
export function generate(request: GenerationRequest, options: GenerateOptions = {}): GenerationStream {
  return generateBy(hostFetch, request, options)
}

/** The same by a `fetch` of whoever has no `longwire.fetch`; it has to lead to the host. */
export function generateBy(fetch: Fetch, request: GenerationRequest, options: GenerateOptions = {}): GenerationStream {
  for (const name of NOT_HERE) {
    const attaches = name === 'retry' && options.durable !== undefined
    if (Object.hasOwn(options, name) && !attaches) {
      throw new OptionError(name, 'signal', `\`${name}\` is not an option of generate(): the host sees to it`)
    }
  }
  const { signal = null, longwire = {}, ...delivery } = options
  const told = { ...hostTimeout(delivery.headerTimeout), ...longwire }
  const answer = stream(GENERATE_URL, { method: 'POST', signal, longwire: told }, {
    endEvent: true,
    ...delivery,
    body: request,
    fetch,
    retry: options.durable === undefined ? false : options.retry
  } as StreamOptions)
  return answer as unknown as GenerationStream
}
