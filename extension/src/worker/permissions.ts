import type { Permissions } from '../platform/platform'

const NOT_ALLOWED =
  'The browser does not let Longwire into this site, or no longer: press Allow in the popup of the Longwire extension.'

const NO_ANSWER =
  'The browser does not say whether it lets Longwire into this site. Try again; if that does not help, restart the browser.'

/** How long the browser is waited for. It answers within some milliseconds. */
export const ANSWER_DEADLINE_MS = 10_000

/**
 * Which page origins the user lets the extension into, for pages that have a relay already: it stays in its page when the
 * permission is taken away, and so does the shim.
 */
export class PagePermissions {
  readonly #permissions: Pick<Permissions, 'contains'>
  readonly #allowed = new Map<string, boolean>()
  readonly #asking = new Map<string, Promise<void>>()

  constructor(permissions: Pick<Permissions, 'contains'>) {
    this.#permissions = permissions
  }

  /** Whether the browser has said it of this origin. */
  knows(origin: string): boolean {
    return this.#allowed.has(origin)
  }

  /** Now, or as soon as it is known whether the origin is allowed; in the order of the calls. At last after ANSWER_DEADLINE_MS. */
  whenKnown(origin: string, act: () => void): void {
    if (this.#allowed.has(origin)) return act()
    const asking = this.#asking.get(origin) ?? this.#askInTime(origin).finally(() => this.#asking.delete(origin))
    this.#asking.set(origin, asking)
    void asking.then(act)
  }

  /** @returns why a page of this origin may not be served, for the page; null if it may */
  refusal(origin: string): string | null {
    const allowed = this.#allowed.get(origin)
    if (allowed === undefined) return NO_ANSWER
    return allowed ? null : NOT_ALLOWED
  }

  /** The user gave or took a permission. Resolves when it is known what that means for the pages so far. */
  async askAgain(): Promise<void> {
    await Promise.all([...this.#allowed.keys()].map((origin) => this.#ask(origin)))
  }

  async #askInTime(origin: string): Promise<void> {
    let timer: ReturnType<typeof setTimeout> | undefined
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, ANSWER_DEADLINE_MS)
    })
    await Promise.race([this.#ask(origin), late])
    clearTimeout(timer)
  }

  async #ask(origin: string): Promise<void> {
    // What the browser takes for no pattern names nothing that could have been allowed.
    const allowed = await this.#permissions.contains({ origins: [`${origin}/*`] }).catch(() => false)
    this.#allowed.set(origin, allowed)
  }
}
