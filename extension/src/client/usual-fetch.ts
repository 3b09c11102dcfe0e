import type { Fetch } from './types'

let usual: Fetch = (input, init) => globalThis.fetch(input, init)

/** What sends a request whose caller names no fetch: the page's own, as it is then; `longwire.fetch` in `window.longwire`. */
export const usualFetch: Fetch = (input, init) => usual(input, init)

/** For `window.longwire`, once, before anything is sent. */
export function setUsualFetch(fetch: Fetch): void {
  usual = fetch
}

/** Whether it is `longwire.fetch`, which takes an option `longwire`. Any other passes it on, or does not. */
export function isLongwires(fetch: Fetch): boolean {
  const { longwire } = globalThis as { longwire?: { fetch?: unknown } }
  return longwire?.fetch !== undefined && (fetch === usualFetch ? usual : fetch) === longwire.fetch
}
