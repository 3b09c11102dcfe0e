import { type PagePattern, parsePagePattern, patternsFor } from './patterns'

/** The parts of `chrome.storage` that hold what the browser's administrator set. */
export interface ManagedWorld {
  readonly managed: Pick<chrome.storage.StorageArea, 'get'>
  readonly onChanged: {
    addListener(listener: (changes: Record<string, unknown>, area: string) => void): void
  }
}

const SWITCHED_OFF = 'The administrator of this browser switched the Longwire extension off.'
const NOT_AMONG = 'The administrator of this browser lets the Longwire extension serve other pages only.'

/**
 * The switches of `manifests/managed_storage.schema.json`, which the browser's own policy sets and nobody else can. They
 * only ever take away: what is open is for the host to say.
 */
export class ManagedSwitches {
  /** Resolves when the switches are known. Until then nothing may be served. */
  readonly ready: Promise<void>
  #known = false
  #enabled = true
  #pages: readonly PagePattern[] | null = null

  /** @param changed called after each later change */
  constructor(world: ManagedWorld, changed: () => void) {
    this.ready = this.#read(world)
    world.onChanged.addListener((_, area) => {
      if (area === 'managed') void this.#read(world).then(changed)
    })
  }

  get known(): boolean {
    return this.#known
  }

  get enabled(): boolean {
    return this.#enabled
  }

  /** @returns why this page origin may not be served, for the page; null if it may */
  refusal(origin: string): string | null {
    if (!this.#enabled) return SWITCHED_OFF
    return this.#pages === null || patternsFor(origin, this.#pages).length > 0 ? null : NOT_AMONG
  }

  /** What is left of patterns that the host's policy names. */
  limit(patterns: readonly PagePattern[]): PagePattern[] {
    if (!this.#enabled) return []
    const pages = this.#pages
    if (pages === null) return [...patterns]
    return patterns.flatMap((pattern) => pages.flatMap((page) => common(pattern, page) ?? []))
  }

  async #read(world: ManagedWorld): Promise<void> {
    // Firefox refuses to answer where no administrator set anything; Chromium always answers.
    const settings = await world.managed.get(['enabled', 'pages']).catch(() => ({}))
    const { enabled, pages } = settings as { enabled?: unknown; pages?: unknown }
    // The browser has checked the types. An entry that is no pattern names no page, which is the narrower reading.
    this.#enabled = enabled !== false
    this.#pages = Array.isArray(pages)
      ? pages.map((page) => parsePagePattern(String(page))).filter((page) => page !== null)
      : null
    this.#known = true
  }
}

/** The pages that both patterns name, as a pattern; null if there are none. */
function common(one: PagePattern, other: PagePattern): PagePattern | null {
  const narrow = narrower(one, other)
  const port = one.port === '*' ? other.port : one.port
  if (one.scheme !== other.scheme || narrow === null || (other.port !== '*' && other.port !== port)) return null
  const { scheme, host, wildcard } = narrow
  return { text: `${scheme}://${wildcard ? '*.' : ''}${host}:${port}`, scheme, host, wildcard, port }
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
