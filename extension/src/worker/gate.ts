import type { WaitsFor } from '../protocol/bridge'
import type { ManagedSwitches } from './managed'
import type { PagePermissions } from './permissions'

/**
 * Holds back what pages and popups say until it is known whether they may be served, in the order in which they said it,
 * and knows what it waits for. Neither wait is without a bound.
 */
export class Gate {
  readonly #switches: Pick<ManagedSwitches, 'known' | 'ready'>
  readonly #permissions: Pick<PagePermissions, 'knows' | 'whenKnown'>

  constructor(
    switches: Pick<ManagedSwitches, 'known' | 'ready'>,
    permissions: Pick<PagePermissions, 'knows' | 'whenKnown'>
  ) {
    this.#switches = switches
    this.#permissions = permissions
  }

  /** Now, or as soon as it is known which switches of the browser's administrator hold. */
  whenKnown(act: () => void): void {
    if (this.#switches.known) act()
    else void this.#switches.ready.then(act)
  }

  /**
   * The same, and whether the browser lets the extension into this page origin.
   *
   * @param waits told of each thing that is waited for
   */
  whenAllowed(origin: string | null, act: () => void, waits: (what: WaitsFor) => void = () => undefined): void {
    if (!this.#switches.known) waits('settings')
    this.whenKnown(() => {
      if (origin === null) return act()
      if (!this.#permissions.knows(origin)) waits('permission')
      this.#permissions.whenKnown(origin, act)
    })
  }

  /** What a page of this origin waits for here; null for nothing. */
  waitsFor(origin: string | null): WaitsFor | null {
    if (!this.#switches.known) return 'settings'
    return origin === null || this.#permissions.knows(origin) ? null : 'permission'
  }
}
