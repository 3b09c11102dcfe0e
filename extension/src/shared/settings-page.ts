// What the writer's settings page and the worker say to each other: both are the extension's own, and of one build.

import type { BridgeState, ProviderOffer } from '../protocol/native'

/** From the page: say what the policy has for the writer; and again, when a person asks. */
export interface FromSettingsPage {
  readonly type: 'ASK'
}

/** What the policy has for the writer, all of it, each time it changes. */
export interface WriterOffers {
  readonly state: BridgeState
  /** What to do where the state is another one than `ready`; empty where there is nothing to do. */
  readonly fix: string
  /** The patterns of the writer's pages, and whom it may ask there. */
  readonly pages: readonly WriterPageOffer[]
}

export interface WriterPageOffer {
  readonly pattern: string
  readonly providers: readonly ProviderOffer[]
}
