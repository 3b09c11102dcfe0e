import type { FromPage, StreamStartFields } from '../protocol/bridge'
import type { Page } from '../protocol/native'
import { DURABLE_URL } from '../shared/names'

/** The daemon's own address, and below it one for each key: percent-encoded, with a query or without. */
const DESK = /^longwire:durable(?:\/[!-"$-.0->@-~]+(?:\?[!-"$-~]*)?)?$/

/** Whether a request asks the daemon about what is durable. */
export function isDesk(url: string): boolean {
  return DESK.test(url)
}

/** Whether a request is, or asks about, one that outlives its page. */
export function concernsDurable({ durable, url }: StreamStartFields): boolean {
  return durable !== undefined || url.startsWith(DURABLE_URL)
}

/** Whether a message needs the profile's id; that of a private window does not, for it is refused. */
export function needsProfile(message: unknown, page: Page): boolean {
  const { type } = (typeof message === 'object' && message !== null ? message : {}) as Partial<FromPage>
  return type === 'STREAM_START' && neverDurable(page) === null && concernsDurable(message as StreamStartFields)
}

/** Why nothing of this page can be durable, whatever the policy says; null where something can. */
export function neverDurable({ frame, private: hidden, principal }: Page): string | null {
  if (hidden) return 'Nothing of a private window outlives it: `durable` is for other windows.'
  if (principal !== undefined) return 'The writer has no durable requests.'
  return frame === 0 ? null : 'Durable requests are for the page itself: a frame in it cannot have or read them.'
}
