import type { ManagedStorage, Storage } from '../platform/platform'
import { MAX_SWITCHED_PAGES } from '../protocol/constants'
import { type PagePattern, parsePagePattern, patternsFor } from '../shared/page-patterns'

export interface ManagedWorld extends ManagedStorage {
  /** Where the switches are kept for the browser's next start. No page may reach it. */
  readonly remembered: Storage
}

/** Under which the last answer of the browser is kept. */
export const REMEMBERED = 'managed'

/** How long the switches of the last start are waited for. They come within 110 ms of a browser's start. */
export const RECALL_DEADLINE_MS = 1_000

const SWITCHED_OFF = 'The administrator of this browser switched the Longwire extension off.'
const NOT_AMONG = 'The administrator of this browser lets the Longwire extension serve other pages only.'
const AS_LAST_KNOWN =
  'So it was when this browser last said it; it has started and has not said yet whether that still holds. Try again in some seconds.'

// What Firefox says where no administrator set anything.
const NONE_SET = /manifest not found/i

/** As the browser and the storage give them; `undefined` where the administrator says nothing. */
interface Settings {
  readonly enabled: boolean | undefined
  readonly pages: readonly string[] | undefined
}

/**
 * The switches of `manifests/managed_storage.schema.json`, which the browser's own policy sets and nobody else can. They
 * only ever take away: what is open is for the host to say.
 *
 * A browser that has just started says what they are when it has settled, after 2 to 8 s, and after 3 minutes where its
 * first page never finishes loading. Until then they are what they were, and none where nothing is remembered: the lock is
 * the host's policy, which the host reads before it carries anything.
 */
export class ManagedSwitches {
  /** Resolves when it is known what holds at first, within RECALL_DEADLINE_MS. Until then nothing may be served. */
  readonly ready: Promise<void>
  readonly #world: ManagedWorld
  readonly #changed: () => void
  readonly #news: () => void
  #known = false
  #confirmed = false
  #recalled = false
  #lastQuestion = 0
  /** What is in effect, and what is remembered of it: as JSON. */
  #inEffect = '{}'
  #kept: string | null = null
  #enabled = true
  #pages: readonly PagePattern[] | null = null

  /**
   * @param changed called after each change of what holds, once `ready`
   * @param news called when the browser says something else than it last did, to whichever worker
   */
  constructor(world: ManagedWorld, changed: () => void, news: () => void = () => undefined) {
    this.#world = world
    this.#changed = changed
    this.#news = news
    const late = new Promise<void>((resolve) => setTimeout(resolve, RECALL_DEADLINE_MS))
    this.ready = Promise.race([this.#recall(), this.#ask(), late]).then(() => {
      this.#known = true
    })
    world.onChanged.addListener((_, area) => {
      if (area === 'managed') void this.#ask()
    })
  }

  get known(): boolean {
    return this.#known
  }

  /** Whether the browser itself has said what holds since this worker started. */
  get confirmed(): boolean {
    return this.#confirmed
  }

  get enabled(): boolean {
    return this.#enabled
  }

  /** @returns why this page origin may not be served, for the page; null if it may */
  refusal(origin: string): string | null {
    const refused = this.#refusal(origin)
    return refused === null || this.#confirmed ? refused : `${refused} ${AS_LAST_KNOWN}`
  }

  /** What of it is switched off, for the host; null if nothing is. */
  get narrowed(): { readonly enabled: boolean; readonly pages?: string[] } | null {
    const pages = this.#pages
    if (pages === null) return this.#enabled ? null : { enabled: false }
    // Of more than a message holds the host hears nothing: they are held to here.
    if (pages.length > MAX_SWITCHED_PAGES) return this.#enabled ? null : { enabled: false }
    return { enabled: this.#enabled, pages: pages.map(canonical) }
  }

  /** What is left of patterns that the host's policy names. */
  limit(patterns: readonly PagePattern[]): PagePattern[] {
    if (!this.#enabled) return []
    const pages = this.#pages
    if (pages === null) return [...patterns]
    return patterns.flatMap((pattern) => pages.flatMap((page) => common(pattern, page) ?? []))
  }

  #refusal(origin: string): string | null {
    if (!this.#enabled) return SWITCHED_OFF
    return this.#pages === null || patternsFor(origin, this.#pages).length > 0 ? null : NOT_AMONG
  }

  async #recall(): Promise<void> {
    // A profile whose storage cannot be read knows nothing.
    const { [REMEMBERED]: settings } = await this.#world.remembered.get(REMEMBERED).catch(() => ({}) as never)
    this.#recalled = true
    const read = typeof settings === 'object' && settings !== null ? readSettings(settings) : null
    if (read !== null) this.#kept = JSON.stringify(read)
    // It may come after the browser's own answer, on a disk that is slow enough.
    if (this.#confirmed) await this.#remember()
    else if (read !== null) this.#apply(read)
  }

  async #ask(): Promise<void> {
    this.#lastQuestion += 1
    const question = this.#lastQuestion
    let settings: object
    try {
      settings = await this.#world.managed.get(['enabled', 'pages'])
    } catch (error) {
      // What the browser cannot say now stays what it was, and is no leave to open anything.
      if (!NONE_SET.test(String(error))) return this.#never()
      settings = {}
    }
    if (question !== this.#lastQuestion) return
    this.#confirmed = true
    this.#apply(readSettings(settings))
    await this.#remember()
  }

  /** Leaves the first answer to the others. */
  #never(): Promise<void> {
    return new Promise(() => undefined)
  }

  #apply(settings: Settings): void {
    const text = JSON.stringify(settings)
    if (text === this.#inEffect) return
    this.#inEffect = text
    this.#enabled = settings.enabled !== false
    // An entry that is no pattern names no page, which is the narrower reading.
    this.#pages = settings.pages?.map(parsePagePattern).filter((page) => page !== null) ?? null
    if (this.#known) this.#changed()
  }

  async #remember(): Promise<void> {
    // Not before the old ones have come: what is the same need not be written, at each start of the worker.
    if (!this.#recalled || this.#kept === this.#inEffect) return
    this.#kept = this.#inEffect
    this.#news()
    await this.#world.remembered.set({ [REMEMBERED]: JSON.parse(this.#inEffect) }).catch((error) => {
      console.warn('Longwire: the switches of this browser’s administrator cannot be kept for its next start', error)
    })
  }
}

/** The browser has checked its own; what was kept on a disk may be anything, and what is no switch switches nothing. */
function readSettings(settings: object): Settings {
  const { enabled, pages } = settings as { enabled?: unknown; pages?: unknown }
  return {
    enabled: typeof enabled === 'boolean' ? enabled : undefined,
    pages: Array.isArray(pages) ? pages.map(String) : undefined
  }
}

/** As the policy file has it. */
function canonical({ scheme, host, wildcard, port }: Omit<PagePattern, 'text'>): string {
  return `${scheme}://${wildcard ? '*.' : ''}${host}:${port}`
}

/** The pages that both patterns name, as a pattern; null if there are none. */
function common(one: PagePattern, other: PagePattern): PagePattern | null {
  const narrow = narrower(one, other)
  const port = one.port === '*' ? other.port : one.port
  if (one.scheme !== other.scheme || narrow === null || (other.port !== '*' && other.port !== port)) return null
  const { scheme, host, wildcard } = narrow
  return { text: canonical({ scheme, host, wildcard, port }), scheme, host, wildcard, port }
}

/** Of two hosts, wildcard or not, the one within the other. */
function narrower(one: PagePattern, other: PagePattern): PagePattern | null {
  if (within(one, other)) return one
  return within(other, one) ? other : null
}

function within(inner: PagePattern, outer: PagePattern): boolean {
  if (inner.host === outer.host) return inner.wildcard === outer.wildcard
  return outer.wildcard && inner.host.endsWith(`.${outer.host}`)
}
