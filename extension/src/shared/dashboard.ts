// What the dashboard and the worker say to each other: both are the extension's own, and of one build.

import type { ErrorCode, Phase } from '../protocol/errors'
import type { AbortReason, Completeness, Timings } from '../protocol/native'

/** How many ended streams are kept, and how many bytes of them: the oldest go first. */
export const HISTORY_STREAMS = 10_000
export const HISTORY_BYTES = 32 * 1_048_576

/** How often the dashboard is told of what changed, at most. */
export const UPDATE_MS = 100

/** A silence of this length between two pieces of a body is worth a mark. */
export const GAP_MS = 250

export type StreamKind = 'http' | 'websocket' | 'generation'

/** How a stream ended for its page. */
export type EndingRecord =
  | { readonly how: 'end'; readonly completeness: Completeness; readonly timings: Readonly<Timings> }
  | {
      readonly how: 'error'
      readonly by: 'host' | 'extension'
      readonly code: ErrorCode
      readonly message: string
      readonly phase: Phase
      readonly retryable: boolean
    }
  | { readonly how: 'abort'; readonly reason: AbortReason | null }

/** What grows while a stream lives; offsets and counts, no bytes. Times are milliseconds since the stream began. */
export interface StreamCounts {
  /** Bytes of the response's body that went to the page, and of these what it took out of its stream. */
  received: number
  consumed: number
  /** Bytes of the request's body that came from the page, and of these what the host took. */
  sent: number
  taken: number
  /** How far ahead of `consumed` the host may send. */
  window: number
  /** Pieces that the body came in. */
  chunks: number
  /** Silences of `GAP_MS` and more between two of them, and the longest of all. */
  gaps: number
  longestGap: number
  /** Of the first piece and of the last; -1 before there was one. */
  firstByteAt: number
  lastByteAt: number
}

/** One stream of any tab, as the worker saw it: everything but the bytes. Times are milliseconds since it began. */
export interface StreamRecord extends StreamCounts {
  /** Of no other stream, whatever worker it was of; one that began later has a higher one. */
  readonly id: number
  /** Origin of the document that asked. */
  readonly page: string
  readonly principal: 'page' | 'writer'
  readonly tab: number
  readonly kind: StreamKind
  readonly method: string
  /** Where it went; from the headers on, where the bytes come from. Cut where it is too long to be kept. */
  url: string
  /** The name of what allowed it in the policy; empty as long as nobody said so. */
  grant: string
  /** On the wall clock, milliseconds. */
  readonly startedAt: number
  /** `ending`: nobody waits for it any more, and the host is releasing it. */
  state: 'connecting' | 'open' | 'ending' | 'ended'
  /** The page has sent all of the request's body, or there is none. */
  bodySent: boolean
  /** The response's status, 0 before the headers. */
  status: number
  /** What the response says that its body is, without parameters. */
  mime: string
  headersAt: number | null
  endedAt: number | null
  ending: EndingRecord | null
}

/** Numbers of one stream in `COUNTS`: its id, then these. */
export const COUNTED = [
  'received',
  'consumed',
  'sent',
  'taken',
  'window',
  'chunks',
  'gaps',
  'longestGap',
  'firstByteAt',
  'lastByteAt'
] as const satisfies readonly (keyof StreamCounts)[]

/** A piece of a body on its way, seen by an open view of its stream. */
export interface Piece {
  readonly direction: 'in' | 'out'
  /** On the wall clock, milliseconds. */
  readonly at: number
  /** In plain bytes. */
  readonly size: number
  /** Null where it went by too fast to be shown. */
  readonly data: Uint8Array<ArrayBuffer> | null
  /** How `data` is compressed. */
  readonly encoding?: 'gzip' | 'deflate'
}

/** From the dashboard. */
export type FromDashboard =
  /** Tell all there is, and from now on what changes. */
  | { readonly type: 'WATCH' }
  /** The last update was taken: there may be another one. */
  | { readonly type: 'GOT' }
  | { readonly type: 'STOP'; readonly stream: number }
  /** Show the bytes of this stream too, from now on; null: of none any more. */
  | { readonly type: 'LOOK'; readonly stream: number | null }
  /**
   * Tell how things stand, also where nothing changed: when the host was heard of, above all. It keeps the worker awake,
   * which the browser else stops after 30 s.
   */
  | { readonly type: 'HERE' }
  /** Forget the streams that ended. */
  | { readonly type: 'CLEAR' }

/** To the dashboard, at most one each `UPDATE_MS`, and not before the last one was taken. */
export interface Update {
  /** Instead of all that was told before. */
  readonly anew: boolean
  /** When all this was so, on the wall clock, milliseconds. */
  readonly at: number
  /** The host is being started, and what has been asked waits for it. */
  readonly hostStarts: boolean
  /** When the host was last heard of; 0: never. */
  readonly hostHeardAt: number
  /** What began, got its headers, or ended. */
  readonly records: readonly StreamRecord[]
  /** Of the streams that only went on: `[id, ...COUNTED]` one after the other. */
  readonly counts: Float64Array<ArrayBuffer>
  /** The stream that is looked at, and how many bytes each way were gone before; null if none. */
  readonly looked: { readonly stream: number; readonly received: number; readonly sent: number } | null
  readonly pieces: readonly Piece[]
}
