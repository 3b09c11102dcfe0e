import type { StreamEvent } from '../client/event-payload'
import type { AnyGenerationEvent, Cost, GenerationPhase, TokenUsage } from '../client/generation'

export interface PhaseAt {
  readonly phase: GenerationPhase
  readonly message: string
  /** On the wall clock, milliseconds. */
  readonly at: number
}

/** More than any generation has; a provider that is asked again and again does not fill a page. */
const MAX_PHASES = 100

/** What the events of a generation say of it. */
export class GenerationSummary {
  readonly phases: PhaseAt[] = []
  provider = ''
  model = ''
  usage: Partial<TokenUsage> | null = null
  cost: Cost | null = null
  finish = ''
  error = ''
  /** Milliseconds from its beginning, as the host says when it is complete. */
  firstContentMs: number | null = null
  characters = 0
  #firstContentAt: number | null = null
  #lastContentAt = 0

  /** @param at on the wall clock, milliseconds */
  add({ data }: Pick<StreamEvent, 'data'>, at: number): void {
    if (typeof data !== 'object' || data === null) return
    const event = data as AnyGenerationEvent
    if (event.type === 'status') {
      if (this.phases.length < MAX_PHASES) this.phases.push({ phase: event.phase, message: event.message, at })
    } else if (event.type === 'metadata') {
      this.provider = event.provider
      this.model = event.model
    } else if (event.type === 'content' || event.type === 'reasoning') this.#content(event.text, at)
    else if (event.type === 'usage') this.usage = event
    else if (event.type === 'complete') {
      this.provider = event.provider
      this.model = event.model
      this.usage = event.usage
      this.cost = event.cost ?? null
      this.finish = event.finishReason
      this.firstContentMs = event.timings.firstContent ?? null
    } else if (event.type === 'error') this.error = `${event.code}: ${event.message}`
  }

  /** When the first content was seen, if it was; on the wall clock. */
  get firstContentAt(): number | null {
    return this.#firstContentAt
  }

  /** Tokens of the answer by the time they took; null as long as nobody has counted any. */
  get tokensPerSecond(): number | null {
    const tokens = this.usage?.outputTokens
    if (tokens === undefined || this.#firstContentAt === null) return null
    const ms = this.#lastContentAt - this.#firstContentAt
    return ms > 0 ? (tokens * 1000) / ms : null
  }

  #content(text: string, at: number): void {
    this.characters += text.length
    this.#firstContentAt ??= at
    this.#lastContentAt = at
  }
}
