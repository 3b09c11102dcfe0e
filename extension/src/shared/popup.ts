// What the popup and the worker say to each other: both are the extension's own, and of one build.

import type { WaitsFor } from '../protocol/bridge'
import type { ErrorCode } from '../protocol/errors'
import type { BridgeState, Obstacle, PolicySummary, ProviderOffer } from '../protocol/native'
import type { SiteSwitch } from './site-switches'

/** From the popup. */
export type FromPopup =
  /** Tell of this tab from now on; `origin` is that of its top frame, null if Longwire cannot serve it. */
  | { readonly type: 'WATCH'; readonly tab: number; readonly origin: string | null; readonly private: boolean }
  /** Ask the host again, and start it for that if need be. */
  | { readonly type: 'ASK' }
  /** End a stream of the watched tab. */
  | { readonly type: 'STOP'; readonly stream: number }
  /** Switch something on or off for the watched page's origin. */
  | { readonly type: 'SWITCH'; readonly which: SiteSwitch; readonly on: boolean }

/** To the popup: all there is to tell, each time. */
export interface Snapshot {
  readonly tab: number
  readonly bridge: BridgeReport
  /** What the host's answer and the page's requests have waited for, for a second or longer. */
  readonly waitsFor: WaitsFor | null
  /** The browser has not said which switches its administrator set: those last known hold. */
  readonly unconfirmed: boolean
  /** Null as long as this worker has not heard of a policy. */
  readonly policy: PolicySummary | null
  /** What the policy lets the watched page reach. */
  readonly destinations: readonly string[]
  /** Whom the policy lets it generate with. */
  readonly providers: readonly ProviderOffer[]
  /** What is in the way of some of them. */
  readonly obstacles: readonly Obstacle[]
  /** The last request of the watched page that the policy refused. */
  readonly denied: DeniedRequest | null
  readonly streams: readonly StreamRow[]
  /** What a person switched off for the watched page's origin. */
  readonly off: readonly SiteSwitch[]
  readonly today: Today
  /** When all this was so, on the clock of `StreamRow.startedAt`, milliseconds. */
  readonly at: number
}

export type BridgeReport =
  /** The host was asked and has not answered yet. */
  | { readonly kind: 'asking' }
  /** The host runs, or did a moment ago and will again when it is needed. */
  | {
      readonly kind: 'up'
      readonly policyInvalid: boolean
      /** Empty if the worker itself answered, because the host may not be started for this page. */
      readonly host: string
      readonly protocol: number
      /** Of the policy. */
      readonly fix: string | undefined
    }
  /** There is no host to be had. */
  | {
      readonly kind: 'down'
      readonly state: BridgeState
      readonly code: ErrorCode
      readonly message: string
      readonly fix: string
      /** The command that `fix` names, as it is typed. */
      readonly command: string | null
    }

/** Of all tabs, since midnight. */
export interface Today {
  /** That ended. */
  readonly streams: number
  /** Of the bodies of responses. */
  readonly bytes: number
  /** Streams that failed, or were refused. */
  readonly errors: number
}

export interface DeniedRequest {
  readonly method: string
  readonly url: string
}

/** One stream of any document of the tab. */
export interface StreamRow {
  readonly id: number
  /** Of the document that asked. */
  readonly origin: string
  /** Whose it is there: the page's own scripts', or the writer's. */
  readonly principal: 'page' | 'writer'
  readonly method: string
  readonly url: string
  /** The request outlives its page: what ends here is this page's reading of it. */
  readonly durable: boolean
  /** `starting`: the host is. `ending`: nobody waits for it any more, and the host is releasing it. */
  readonly state: 'starting' | 'connecting' | 'open' | 'ending'
  /** The response's status, 0 before the headers. */
  readonly status: number
  /** Body bytes, of the response and of the request. */
  readonly received: number
  readonly sent: number
  readonly startedAt: number
}
