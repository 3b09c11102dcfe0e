import type { Storage } from '../platform/platform'
import { DURABLE_URL, GENERATE_URL } from '../shared/names'
import { type Feature, isSiteSwitch, type SiteSwitch } from '../shared/site-switches'

/** Under which what is off is kept, by page origin. */
export const SITE_SWITCHES = 'siteSwitches'

/** Sites remembered. Nobody sets as many by hand; beyond them a new one is not kept. */
export const MAX_SITES = 1000

/** What of a request says which switches it needs. */
export interface Asked {
  readonly url: string
  readonly durable: boolean
}

const NAMES: Readonly<Record<Feature, string>> = {
  fetch: 'Requests are',
  websocket: 'WebSockets are',
  generate: 'Language models are',
  durable: 'Requests that outlive their page are',
  record: 'Recording is'
}

/**
 * What a person switched off for single sites. Kept in the extension's own storage, which no content script opens; what is
 * set for a private window is kept in memory, and is gone with it.
 */
export class SiteSwitches {
  readonly #storage: Storage
  readonly #private: boolean
  readonly #changed: () => void
  readonly #off = new Map<string, Set<SiteSwitch>>()
  readonly #ready: Promise<void>
  #known = false

  /**
   * @param isPrivate this worker is that of private windows
   * @param changed something is on or off that was not
   */
  constructor(storage: Storage, isPrivate: boolean, changed: () => void) {
    this.#storage = storage
    this.#private = isPrivate
    this.#changed = changed
    this.#ready = this.#recall()
  }

  /** Now, or as soon as it is known what is off. */
  whenKnown(act: () => void): void {
    if (this.#known) act()
    else void this.#ready.then(act)
  }

  /** What is off at this origin. */
  offAt(origin: string): SiteSwitch[] {
    return [...(this.#off.get(origin) ?? [])]
  }

  /** @returns why pages of this origin get nothing at all, for the page; null if they do */
  refusal(origin: string): string | null {
    return this.#off.get(origin)?.has('all') ? `Longwire is switched off ${WHERE}` : null
  }

  /** @returns why this request of such a page is refused, for the page; null if it is not */
  refusalOf(origin: string, asked: Asked): string | null {
    const off = this.#off.get(origin)
    if (off === undefined) return null
    const feature = featuresOf(asked).find((each) => off.has(each))
    return feature === undefined ? this.refusal(origin) : `${NAMES[feature]} switched off ${WHERE}`
  }

  /** Whether a person lets streams of this origin be recorded. */
  recordable(origin: string): boolean {
    return !this.#off.get(origin)?.has('record')
  }

  async set(origin: string, which: SiteSwitch, on: boolean): Promise<void> {
    const off = this.#off.get(origin) ?? new Set()
    if (on) off.delete(which)
    else off.add(which)
    if (off.size > 0) this.#off.set(origin, off)
    else this.#off.delete(origin)
    this.#changed()
    if (!this.#private) await this.#keep()
  }

  async #recall(): Promise<void> {
    // A profile whose storage cannot be read has nothing set.
    const { [SITE_SWITCHES]: kept } = await this.#storage.get(SITE_SWITCHES).catch(() => ({}) as never)
    for (const [origin, off] of Object.entries(typeof kept === 'object' && kept !== null ? kept : {})) {
      const switches = Array.isArray(off) ? off.filter(isSiteSwitch) : []
      if (switches.length > 0) this.#off.set(origin, new Set(switches))
    }
    this.#known = true
  }

  async #keep(): Promise<void> {
    const kept = [...this.#off].slice(0, MAX_SITES).map(([origin, off]) => [origin, [...off]])
    await this.#storage.set({ [SITE_SWITCHES]: Object.fromEntries(kept) }).catch((error) => {
      console.warn('Longwire: what is switched off for this site cannot be kept for the next start', error)
    })
  }
}

const WHERE = 'for this site, in the popup of the Longwire extension. A person can switch it on there.'

function featuresOf({ url, durable }: Asked): Feature[] {
  const kept: Feature[] = durable || url.startsWith(DURABLE_URL) ? ['durable'] : []
  if (url === GENERATE_URL) return ['generate', ...kept]
  if (url.startsWith(DURABLE_URL)) return kept
  return [/^wss?:/.test(url) ? 'websocket' : 'fetch', ...kept]
}
