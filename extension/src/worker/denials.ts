import type { DeniedRequest } from '../shared/popup'
import type { ObservedStream, StreamEnding, StreamListener } from './observer'

/** Tabs remembered; the one that was refused longest ago goes first. */
export const MAX_TABS = 64

/**
 * The last request of each tab that the policy refused, so that the popup can name the destination that a grant would
 * need. In memory only.
 */
export class Denials implements StreamListener {
  readonly #byTab = new Map<number, DeniedRequest & { readonly origin: string }>()

  /** Only what the host refused: with what the extension itself refuses no grant has to do. */
  ended({ page: { tab, origin, principal }, method, url }: ObservedStream, ending: StreamEnding): void {
    // The writer says itself what it was refused; a grant for the page would not help it.
    if (principal !== undefined) return
    if (ending.how !== 'error' || ending.by !== 'host' || ending.code !== 'POLICY_DENIED') return
    this.#byTab.delete(tab)
    this.#byTab.set(tab, { origin, method, url })
    const [oldest] = this.#byTab.keys()
    if (this.#byTab.size > MAX_TABS && oldest !== undefined) this.#byTab.delete(oldest)
  }

  /** The policy is another one now. */
  clear(): void {
    this.#byTab.clear()
  }

  /** @returns null also if the refused page was of another origin: that grant would not be this page's */
  of(tab: number, origin: string): DeniedRequest | null {
    const denied = this.#byTab.get(tab)
    return denied?.origin === origin ? { method: denied.method, url: denied.url } : null
  }
}
