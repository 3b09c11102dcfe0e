import { MAX_STREAMS_PER_TAB_FRAME } from '../protocol/constants'
import type { Phase } from '../protocol/errors'
import type { ObservedStream, StreamEnding } from './observer'
import type { StreamReport } from './translate'

/**
 * Where a stream stands between its page and the host.
 *
 *   live ──► closing   the page aborted; the host's terminal message is still to come and still goes to the page
 *   live ──► settled   the worker has told the page a terminal message itself; the host's is for nobody
 *
 * Either way the stream keeps its slot until the host says that socket, task and pool slot are free.
 */
export type StreamState = 'live' | 'closing' | 'settled'

/** One accepted STREAM_START. `P` is whoever asked for it. */
export interface Stream<P> {
  readonly hostId: number
  readonly pageId: number
  readonly peer: P
  /** The document that the stream counts against. */
  readonly document: string
  state: StreamState
  headersSeen: boolean
  /** As the observer tells of it; null until it was told that this stream is open. */
  observed: Observed | null
  /** How it ended for the page, as soon as that is certain. */
  ending: StreamEnding | null
}

/** What the observer tells of, to whoever may change it. */
export type Observed = ObservedStream & { url: string; window?: number; recordable?: boolean; grant?: string }

/**
 * Which stream is which on both sides. A page's id means something only together with the port it came by, so no page
 * can name another's stream; the host sees ids that the worker alone gives out.
 */
export class StreamTable<P extends object> {
  readonly #byHostId = new Map<number, Stream<P>>()
  readonly #byPeer = new Map<P, Map<number, Stream<P>>>()
  readonly #perDocument = new Map<string, number>()
  #lastHostId = 0

  get size(): number {
    return this.#byHostId.size
  }

  /**
   * Take a new stream in, under an id that this worker never used before.
   *
   * @returns why not: the page's id is in use, or its document has all the streams it may have
   */
  open(peer: P, pageId: number, document: string): Stream<P> | 'in-use' | 'limit' {
    const ofPeer = this.#byPeer.get(peer) ?? new Map<number, Stream<P>>()
    if (ofPeer.has(pageId)) return 'in-use'
    const count = this.#perDocument.get(document) ?? 0
    if (count >= MAX_STREAMS_PER_TAB_FRAME) return 'limit'
    this.#lastHostId += 1
    const hostId = this.#lastHostId
    const nothingYet = { state: 'live', headersSeen: false, observed: null, ending: null } as const
    const stream: Stream<P> = { hostId, pageId, peer, document, ...nothingYet }
    this.#byHostId.set(stream.hostId, stream)
    this.#byPeer.set(peer, ofPeer.set(pageId, stream))
    this.#perDocument.set(document, count + 1)
    return stream
  }

  ofPage(peer: P, pageId: number): Stream<P> | undefined {
    return this.#byPeer.get(peer)?.get(pageId)
  }

  ofHost(hostId: number): Stream<P> | undefined {
    return this.#byHostId.get(hostId)
  }

  /** All streams of one port. */
  of(peer: P): Stream<P>[] {
    return [...(this.#byPeer.get(peer)?.values() ?? [])]
  }

  all(): Iterable<Stream<P>> {
    return this.#byHostId.values()
  }

  /**
   * The host is done with it: the slot is free and both ids are forgotten.
   *
   * @returns whether it was not before
   */
  close(stream: Stream<P>): boolean {
    if (!this.#byHostId.delete(stream.hostId)) return false
    const ofPeer = this.#byPeer.get(stream.peer)
    ofPeer?.delete(stream.pageId)
    if (ofPeer?.size === 0) this.#byPeer.delete(stream.peer)
    const count = (this.#perDocument.get(stream.document) ?? 0) - 1
    if (count > 0) this.#perDocument.set(stream.document, count)
    else this.#perDocument.delete(stream.document)
    return true
  }

  /** Forget everything: the host that knew these streams is gone. */
  closeAll(): Stream<P>[] {
    const streams = [...this.#byHostId.values()]
    for (const stream of streams) this.close(stream)
    return streams
  }
}

/** Keep what of the host's message is for those who look on, and no page. */
export function learn(observed: Observed, report: StreamReport): void {
  if (report.type !== 'STREAM_HEADERS' && report.type !== 'STREAM_ERROR') return
  if (report.grant !== undefined) observed.grant = report.grant
  if (report.type === 'STREAM_HEADERS' && report.recordable === false) observed.recordable = false
}

/** How far a stream may have come. What was handed to a host may have been sent: nobody is told that it was not. */
export function phaseOf(stream: Stream<object>): Phase {
  return stream.headersSeen ? 'body' : 'headers'
}
