import type { StreamStartFields } from '../protocol/bridge'
import type { ErrorCode, Phase } from '../protocol/errors'
import type { Page } from '../protocol/native'
import { concernsDurable, neverDurable } from './durable'
import type { Identity } from './identity'
import type { ObservedStream } from './observer'
import type { Asked } from './site-switches'

/** Who asks, and what refuses it besides what holds for its whole origin. */
export interface Asker {
  readonly identity: Identity
  /** Why this one is not served; for the page. */
  readonly refusal?: () => string | null
}

/** What in this browser narrows what the host's policy allows. Texts are for the page; null where nothing is refused. */
export interface Limits {
  /** Why pages of an origin are not served at all. */
  refusal(origin: string): string | null
  /** Why a single request of an origin is refused, which a person switched off. */
  switchedOff(origin: string, asked: Asked): string | null
  /** The browser profile's id, known before a durable start comes; null where there is none. */
  profile(): string | null
}

/** A request that may go to the host, as the worker vouches for it. */
export interface Admitted {
  readonly page: Page
  /** The profile that it is durable in; null where it is not. */
  readonly profile: string | null
}

/** A request that goes nowhere. */
export interface Denied {
  readonly code: ErrorCode
  readonly text: string
  readonly phase: Phase
}

const NO_PROFILE =
  'The browser keeps nothing for the Longwire extension, without which no request can be found again. Restart the browser; if that does not help, look whether its disk is full.'

/** Whether the worker hands a request to the host. The host decides by its policy what becomes of it. */
export class Admission {
  readonly #limits: Limits

  constructor({ refusal = () => null, switchedOff = () => null, profile = () => null }: Partial<Limits> = {}) {
    this.#limits = { refusal, switchedOff, profile }
  }

  /** @returns why nothing of this peer is served, for the page; null if it is */
  refusalOf({ identity, refusal }: Asker): string | null {
    if ('refusal' in identity) return identity.refusal
    return this.#limits.refusal(identity.page.origin) ?? refusal?.() ?? null
  }

  /** @returns why a stream that was admitted would not be any more, for the page; null if it would */
  refusalSince(asker: Asker, stream: ObservedStream | null): string | null {
    const refused = this.refusalOf(asker)
    if (refused !== null || stream === null) return refused
    return this.#limits.switchedOff(stream.page.origin, stream)
  }

  judge(asker: Asker, start: StreamStartFields): Admitted | Denied {
    const { identity } = asker
    if ('refusal' in identity) return denied(identity.refusal)
    const { page } = identity
    const asked = { url: start.url, durable: start.durable !== undefined }
    const refused = this.refusalOf(asker) ?? this.#limits.switchedOff(page.origin, asked)
    if (refused !== null) return denied(refused)
    if (!concernsDurable(start)) return { page, profile: null }
    const never = neverDurable(page)
    if (never !== null) return denied(never)
    const profile = this.#limits.profile()
    return profile === null ? { code: 'HOST_UNAVAILABLE', text: NO_PROFILE, phase: 'connect' } : { page, profile }
  }
}

function denied(text: string): Denied {
  return { code: 'POLICY_DENIED', text, phase: 'policy' }
}
