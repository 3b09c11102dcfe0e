import type { Fetch } from './types'

let usual: Fetch = (input, init) => globalThis.fetch(input, init)

/** What sends a request whose caller names no fetch: the page's own, as it is then; `longwire.fetch` in `window.longwire`. */
export const usualFetch: Fetch = (input, init) => usual(input, init)

/** For `window.longwire`, once, before anything is sent. */
export function setUsualFetch(fetch: Fetch): void {
  usual = fetch
}

/** The longest that `longwire.fetch` takes: 24 hours. */
const MAX_HOST_MS = 24 * 60 * 60 * 1000

/**
 * What to add to the init so that the host waits as long for the headers as the caller does: its own clock would be the
 * shorter one for a slow model. Any fetch but `longwire.fetch` is told nothing: a patched one takes it for a mark.
 *
 * @param own of the caller's init, which comes first
 */
export function forHost(fetch: Fetch, headerTimeout: number | undefined, own?: object): { longwire?: object } {
  const { longwire } = globalThis as { longwire?: { fetch?: unknown } }
  const isLongwires = longwire?.fetch !== undefined && (fetch === usualFetch ? usual : fetch) === longwire.fetch
  const told = isLongwires ? hostTimeout(headerTimeout) : null
  return told === null ? {} : { longwire: { ...told, ...own } }
}

/** The same for whoever knows that the host is asked; null if there is nothing to tell. */
export function hostTimeout(headerTimeout: number | undefined): { headerTimeout: number } | null {
  return headerTimeout !== undefined && headerTimeout > 0
    ? { headerTimeout: Math.min(headerTimeout, MAX_HOST_MS) }
    : null
}
