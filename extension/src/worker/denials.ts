import type { DeniedRequest } from '../shared/popup'

/** Tabs remembered; the one that was refused longest ago goes first. */
export const MAX_TABS = 64

/**
 * The last request of each tab that the policy refused, so that the popup can name the destination that a grant would
 * need. In memory only.
 */
export class Denials {
  readonly #byTab = new Map<number, DeniedRequest & { readonly origin: string }>()

  note(tab: number, origin: string, { method, url }: DeniedRequest): void {
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
