import { StreamError } from './errors'
import { isEnd, isError, isObject, type StreamEvent } from './event-payload'
import type { Format } from './types'

/** Types with which the streams of Anthropic and of OpenAI's responses begin, and those that carry their text. */
const VENDORS = /^(?:message_start|content_block_\w+|response\.(?:created|in_progress|output_text\.delta))$/

/** Whether an answer came whole, from its events. */
export class Ending {
  /** Nothing that means something follows. */
  ended = false
  /** All of the answer has come; something about it may follow. */
  #settled = false
  /** It has the shape of a service whose answers never just end. */
  #known = false
  /** Of a chat completion, by index: whether the choice is finished. */
  readonly #choices = new Map<unknown, boolean>()

  take(event: StreamEvent): void {
    const { type, data } = event
    this.ended ||= isEnd(event)
    this.#settled ||= isError(event) || type === 'llm_complete'
    if (!isObject(data)) return
    this.#known ||= VENDORS.test(type)
    const { choices, done, message, response } = data
    if (done === true) this.#settled = true
    // Ollama's.
    if (done === false) this.#known ||= isObject(message) || typeof response === 'string'
    if (Array.isArray(choices)) for (const choice of choices) this.#choice(choice)
  }

  /** Of OpenAI's chat completions. Not every server that speaks them sends `[DONE]`; the reason for an end does as well. */
  #choice(choice: unknown): void {
    if (!isObject(choice)) return
    const { index, delta, finish_reason: reason } = choice
    if (isObject(delta) || reason === null) this.#known = true
    this.#choices.set(index, this.#choices.get(index) || (typeof reason === 'string' && reason !== ''))
  }

  /**
   * The body has ended.
   *
   * @param asked whether the answer has to have an end of its own; undefined: as its shape says
   * @throws {StreamError} ENDED_EARLY
   */
  check(asked: boolean | undefined, format: Format | null): void {
    // A document is whole, or none.
    const expected = asked ?? (this.#known && format !== 'json')
    if (!expected || this.ended || this.#settled) return
    if (this.#choices.size > 0 && ![...this.#choices.values()].includes(false)) return
    throw new StreamError('ENDED_EARLY', 'The answer ended without the event that was to end it')
  }
}
