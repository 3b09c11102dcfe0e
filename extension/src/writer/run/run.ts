// One run of the writer: from a click to a text in the editor. It belongs to one document and to one pull request.

import type { GenerateOptions, GenerationStreamEvent } from '../../client/generate'
import type { GenerationRequest } from '../../client/generation'
import type { WriterSettings } from '../../shared/writer-settings'
import type { Editor, PullRequest, WritingEvent } from '../model'
import { failureOf, WriterError } from './failures'
import { type Neutralise, PacedText } from './paced-text'
import { advance, begin, type Cut, isOver, type RunInput, type RunState, type Step } from './progress'

/** How often it says how far it is. */
export const TICK_MS = 500

/** The most that an answer may have: a description of one page, and room for what a model thinks first. */
export const MAX_TOKENS = 4_096

/** The most that is taken of an answer, UTF-16 units: as much as GitHub saves. Who asks for fewer tokens need not get fewer. */
export const MAX_TEXT_LENGTH = 65_536

/** The most of a diff that is sent. What is more makes an answer dear and no better. */
export const MAX_DIFF_BYTES = 200_000

/** A provider that the policy offers the writer on this page. */
export interface Offer {
  readonly name: string
  readonly models: readonly string[]
}

/** What a run stands on. */
export interface RunParts {
  /** The editor of the run's own pull request, as it is now; null where there is none, or where the page is about another. */
  findEditor(): Editor | null
  /** @throws what says what to do */
  readPullRequest(signal: AbortSignal): Promise<{ readonly pullRequest: PullRequest; readonly cut: Cut | null }>
  /**
   * @param template null: the extension's own
   * @throws if the template has a field that there is not
   */
  prompt(template: string | null, pullRequest: PullRequest, person: { language: string; why: string }): string
  neutralise: Neutralise
  settings(): Promise<WriterSettings>
  /** Whom the policy lets the writer ask here, the first first. @throws if there is no host, or no policy */
  offers(): Promise<readonly Offer[]>
  generate(
    request: GenerationRequest,
    options: Pick<GenerateOptions, 'signal'>
  ): AsyncIterable<Pick<GenerationStreamEvent, 'data' | 'text'>>
  tell(event: WritingEvent): void
  now(): number
}

/** It begins when it is made. */
export class Run {
  readonly #parts: RunParts
  readonly #aborter = new AbortController()
  readonly #text: PacedText
  readonly #clock: ReturnType<typeof setInterval>
  #state: RunState
  /** Settles when nothing more comes of it; never rejects. */
  readonly ended: Promise<void>

  /**
   * @param why what the person says of it; may be empty
   * @param replace whether they agreed that words of theirs may go
   */
  constructor(parts: RunParts, why: string, replace: boolean) {
    this.#parts = parts
    this.#text = new PacedText({
      find: () => parts.findEditor(),
      replace,
      neutralise: parts.neutralise,
      neutralised: (count) => this.#put({ type: 'neutralised', count }),
      gone: () => this.#fail(gone()),
      now: () => parts.now()
    })
    const first = begin(parts.now())
    this.#state = first.state
    this.#clock = setInterval(() => this.#put({ type: 'tick' }), TICK_MS)
    this.#tell(first)
    this.ended = this.#run(why)
  }

  get over(): boolean {
    return isOver(this.#state)
  }

  /** What it has written so far. */
  get text(): string {
    return this.#text.text
  }

  /** A person wants no more, or the document goes: what is there stays. */
  stop(): void {
    if (this.over) return
    if (this.#text.finish()) this.#put({ type: 'stop' })
    else this.#fail(gone())
    this.#end()
  }

  /** The page is about something else now: its editor is not this run's any more, and is not touched. */
  abandon(): void {
    this.#text.drop()
    this.#put({ type: 'stop' })
    this.#end()
  }

  async #run(why: string): Promise<void> {
    try {
      await this.#write(why)
    } catch (error) {
      this.#fail(error)
    } finally {
      this.#end()
    }
  }

  async #write(why: string): Promise<void> {
    const [settings, offers] = await this.#unlessOver(Promise.all([this.#parts.settings(), this.#parts.offers()]))
    const chosen = choose(settings, offers)
    const { pullRequest, cut } = await this.#unlessOver(this.#parts.readPullRequest(this.#aborter.signal))
    const { title, stats } = pullRequest
    this.#put({ type: 'read', title, diffStats: stats, cut })
    const content = this.#parts.prompt(settings.template, pullRequest, { language: settings.language, why })
    const request: GenerationRequest = { ...chosen, messages: [{ role: 'user', content }], maxTokens: MAX_TOKENS }
    let room = MAX_TEXT_LENGTH
    for await (const { data, text } of this.#parts.generate(request, { signal: this.#aborter.signal })) {
      if (this.over) return
      this.#put({ type: 'generation', event: data })
      room -= text.length
      if (room < 0) {
        throw new WriterError('TOO_LONG', 'The model wrote more than a description may have. What is there stays.')
      }
      this.#text.add(text)
    }
    if (this.over) return
    if (this.#text.text.trim() === '') {
      throw new WriterError(
        'NO_TEXT',
        'The model answered without a text. Write again, or choose another in the settings.'
      )
    }
    if (!this.#text.finish()) throw gone()
    this.#put({ type: 'shown' })
    if (!this.over) throw new WriterError('ENDED_EARLY', 'The answer broke off.')
  }

  /** Nobody waits for a host that does not answer when the run is over. */
  #unlessOver<T>(work: Promise<T>): Promise<T> {
    const { signal } = this.#aborter
    return new Promise((resolve, reject) => {
      if (signal.aborted) reject(signal.reason)
      signal.addEventListener('abort', () => reject(signal.reason), { once: true })
      work.then(resolve, reject)
    })
  }

  #fail(error: unknown): void {
    if (this.over) return
    // What is there stays, and is as harmless as a whole text.
    this.#text.finish()
    this.#put({ type: 'fail', ...failureOf(error) })
    this.#end()
  }

  #end(): void {
    clearInterval(this.#clock)
    this.#aborter.abort()
  }

  #put(input: RunInput): void {
    this.#tell(advance(this.#state, input, this.#parts.now(), MAX_TOKENS))
  }

  #tell({ state, events }: Step): void {
    this.#state = state
    for (const event of events) this.#parts.tell(event)
  }
}

function gone(): WriterError {
  return new WriterError('EDITOR_GONE', 'The page took its editor away. What was written so far can be copied.')
}

function choose(settings: WriterSettings, offers: readonly Offer[]): Pick<GenerationRequest, 'provider' | 'model'> {
  const [first] = offers
  if (first === undefined) {
    throw new WriterError(
      'NO_PROVIDER',
      'The policy lets the writer ask no model on this page. A grant with principal = "writer" has to name this page and a provider in `generate`.'
    )
  }
  const chosen = settings.provider ?? first.name
  if (!offers.some(({ name }) => name === chosen)) {
    const names = offers.map(({ name }) => name).join(', ')
    throw new WriterError(
      'PROVIDER_NOT_OFFERED',
      `The settings name the provider “${chosen}”, which the policy does not offer on this page. Choose one of: ${names}.`
    )
  }
  // A model is one of the provider that was chosen with it.
  const model = settings.provider === null ? null : settings.model
  return model === null ? { provider: chosen } : { provider: chosen, model }
}
