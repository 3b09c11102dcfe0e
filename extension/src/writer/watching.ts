// What this document is about, from its load to its end: a site of one page goes from one pull request to the next without
// loading, puts up its editor when it likes, and makes it anew.

import type { Reference, Site } from './model'
import { sameReference } from './visit'

/** How often a changing page is looked at. */
export const LOOK_EVERY_MS = 200

/** What is kept while the page is about one pull request. */
export interface Kept {
  /** The page changed; it is still about the same. */
  place(): void
  /** The document goes, or sleeps. */
  stop(): void
  /** The page is about something else. */
  leave(): void
}

export interface WatchedPage {
  siteOf(url: URL, document: Document): Site | null
  /** Call it when the address changes without a load, until `signal`. */
  onNavigation(listener: () => void, signal: AbortSignal): void
  /** The page is about this from now on. */
  visit(site: Site, reference: Reference): Kept
}

/** Looks at the document from now on. */
export class Watching {
  readonly #page: WatchedPage
  #visited: { readonly reference: Reference; readonly kept: Kept } | null = null
  readonly #aborter = new AbortController()
  readonly #observers = [new MutationObserver(() => this.#soon()), new MutationObserver(() => this.#soon())] as const
  #timer: ReturnType<typeof setTimeout> | undefined

  constructor(page: WatchedPage) {
    this.#page = page
    const { signal } = this.#aborter
    const [content, dress] = this.#observers
    content.observe(document.documentElement, { childList: true, subtree: true })
    // Where sites say that they are dark now.
    for (const element of [document.documentElement, document.body]) dress.observe(element, { attributes: true })
    page.onNavigation(() => this.look(), signal)
    addEventListener('pageshow', () => this.look(), { signal })
    // What is frozen may never run again, and nothing is read while it is.
    for (const [target, type] of [
      [window, 'pagehide'],
      [document, 'freeze']
    ] as const) {
      target.addEventListener(type, () => this.#visited?.kept.stop(), { signal })
    }
    this.look()
  }

  /** What the page is about, now. */
  reference(): Reference | null {
    return this.#found()?.reference ?? null
  }

  /** Leave what it is no longer about, and visit what it is. */
  look(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    const found = this.#found()
    if (this.#visited !== null && (found === null || !sameReference(found.reference, this.#visited.reference))) {
      this.#visited.kept.leave()
      this.#visited = null
    }
    if (found === null) return
    const { site, reference } = found
    this.#visited ??= { reference, kept: this.#page.visit(site, reference) }
    this.#visited.kept.place()
  }

  /** Take everything out of the page. What was written stays. */
  end(): void {
    this.#aborter.abort()
    for (const observer of this.#observers) observer.disconnect()
    clearTimeout(this.#timer)
    this.#visited?.kept.stop()
    this.#visited?.kept.leave()
    this.#visited = null
  }

  #found(): { readonly site: Site; readonly reference: Reference } | null {
    const url = new URL(location.href)
    const site = this.#page.siteOf(url, document)
    const reference = site?.reference(url, document) ?? null
    return site === null || reference === null ? null : { site, reference }
  }

  #soon(): void {
    this.#timer ??= setTimeout(() => this.look(), LOOK_EVERY_MS)
  }
}
