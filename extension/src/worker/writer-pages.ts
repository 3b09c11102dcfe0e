import type { Storage } from '../platform/platform'
import { type PagePattern, parsePagePattern, patternsFor } from '../shared/page-patterns'
import { STORED_WRITER_PAGES, storedPatterns } from './sites'

const NOT_HERE =
  'The policy does not have the writer on this page: [writer] pages names it, and a grant with principal = "writer", or it is not there.'

/**
 * On which page origins the writer is, as the last policy said. The host judges every request by the policy itself; this one
 * keeps the writer's port from being of any use elsewhere.
 */
export class WriterPages {
  readonly #ready: Promise<void>
  #patterns: readonly PagePattern[] | null = null

  /** @param storage where `Sites` keeps the patterns: what was named last holds until a host says more */
  constructor(storage: Storage) {
    this.#ready = storage.get(STORED_WRITER_PAGES).then(
      (stored) => this.#learn(storedPatterns(stored, STORED_WRITER_PAGES)),
      () => this.#learn([])
    )
  }

  /** The host said which. */
  are(patterns: readonly string[]): void {
    this.#patterns = patterns.map(parsePagePattern).filter((pattern) => pattern !== null)
  }

  /** Now, or as soon as they are known; in the order of the calls. */
  whenKnown(act: () => void): void {
    if (this.#patterns !== null) act()
    else void this.#ready.then(act)
  }

  /** @returns why there is no writer on pages of this origin, for whoever asks as one; null if there is */
  refusal(origin: string): string | null {
    return patternsFor(origin, this.#patterns ?? []).length > 0 ? null : NOT_HERE
  }

  /** What was stored is older than what a host has said meanwhile. */
  #learn(patterns: readonly string[]): void {
    if (this.#patterns === null) this.are(patterns)
  }
}
