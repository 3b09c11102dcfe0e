import type { BridgeState, StreamChunk, StreamErrorFields, ToPage, WaitsFor } from '../protocol/bridge'
import { MAX_STREAMS_PER_TAB_FRAME } from '../protocol/constants'
import { ERRORS, type ErrorCode, type Phase } from '../protocol/errors'
import { isFromPage } from '../protocol/guards'
import type { AbortReason, ToHost } from '../protocol/native'
import { isCarried } from '../shared/carried'
import { isTerminal } from '../shared/terminal'
import { Admission, type Asker } from './admission'
import { type DirectPort, DirectPorts } from './direct-ports'
import { describe, type Failure } from './failure'
import type { HostMessage } from './native'
import { Observer, type Piece, type StreamEnding } from './observer'
import { MAX_STATUS_REQUESTS, StatusDesk } from './status'
import { learn, type Observed, phaseOf, type Stream, StreamTable } from './streams'
import {
  commandToHost,
  offsetOf,
  Refused,
  reportToPage,
  type StreamCommand,
  type StreamReport,
  type StreamReportToPage,
  startToHost
} from './translate'

/** What the bridge needs of a runtime port. */
export interface RelayPort {
  postMessage(message: unknown): void
  disconnect(): void
}

/** What the bridge needs of the native link. */
export interface HostLink {
  send(message: ToHost): boolean
  /** What is sent waits for the host to start. */
  readonly starting: boolean
  setInUse(inUse: boolean): void
}

/** One relay, that is one document while it lives. */
export interface Peer extends Asker {
  readonly port: RelayPort
}

/** Between the relays and the host: ids, identity, caps, and exactly one terminal message for every accepted start. */
export class Bridge {
  readonly #link: HostLink
  readonly #streams = new StreamTable<Peer>()
  readonly #status = new StatusDesk<Peer>()
  readonly #direct = new DirectPorts<Peer>((peer, message) => this.#fromPageDirectly(peer, message))
  readonly #gone = new WeakSet<Peer>()
  readonly #observer: Observer
  readonly #admission: Admission

  /**
   * @param observer is told what happens to every stream
   * @param admission says which requests go to the host
   */
  constructor(link: HostLink, observer = new Observer(), admission = new Admission()) {
    this.#link = link
    this.#observer = observer
    this.#admission = admission
  }

  /** A message from a relay, which may have been written by anybody who controls that page's renderer. */
  fromPage(peer: Peer, message: unknown): void {
    // What was still on the way when this relay was dropped.
    if (this.#gone.has(peer)) return
    if (!isFromPage(message)) this.#badFromPage(peer, message)
    else if (message.type === 'STREAM_START') this.#start(peer, message)
    else if (message.type === 'STATUS_REQUEST') this.#askStatus(peer, message.request)
    else if (message.type === 'DIRECT_OFFER') this.#direct.expect(peer, message.token)
    else if (message.type === 'DIRECT_TAKEN') this.#direct.taken(peer)
    else this.#command(peer, message)
  }

  /** Only what a stream that lives carries: no request, and nothing that ends one, is taken from here. */
  #fromPageDirectly(peer: Peer, message: unknown): void {
    if (this.#gone.has(peer)) return
    if (isFromPage(message) && isCarried(message)) this.#command(peer, message)
    else this.#drop(peer)
  }

  /** An iframe of the extension's own brought a port; whose it is, the token says that one relay announced. */
  directPort(token: unknown, port: DirectPort): void {
    const peer = this.#direct.take(token)
    if (peer === undefined) return port.close()
    // The last message by the relay's way: the shim starts the port when it has come that far.
    this.#post(peer, { type: 'DIRECT_OPEN' })
    this.#direct.open(peer, port)
  }

  /** The relay is gone: tab closed, navigation, bfcache, or a relay that broke the protocol. */
  pageGone(peer: Peer): void {
    this.#gone.add(peer)
    this.#status.forget(peer)
    this.#direct.forget(peer)
    const streams = this.#streams.of(peer)
    const live = streams.filter(({ state }) => state === 'live')
    // First of all: should the host be lost on the first abort, nobody is to be told about the others.
    for (const stream of streams) {
      stream.state = 'settled'
      stream.ending ??= { how: 'abort', reason: 'page-gone' }
    }
    for (const stream of live) this.#abort(stream, 'page-gone')
    this.#updateUse()
  }

  /** A message of the host. Late ones, about ids that are finished, mean nothing any more. */
  fromHost(message: HostMessage): void {
    if (message.type === 'STATUS') {
      const asked = this.#status.take(message.request)
      if (asked !== undefined) this.#post(asked.peer, { ...message, request: asked.request })
      this.#updateUse()
      return
    }
    const stream = this.#streams.ofHost(message.id)
    if (stream !== undefined) this.#report(stream, message)
  }

  /** The host said something about a stream that is not a message; `last` if it was to be the last one. */
  badFromHost(hostId: number, last: boolean): void {
    const stream = this.#streams.ofHost(hostId)
    if (stream === undefined) return
    const { state, peer, pageId } = stream
    const text = 'The host sent a message about this stream that the extension does not understand.'
    if (state === 'live') this.#settle(stream, 'PROTOCOL', text)
    // Before it is aborted: there is nobody left to abort at.
    if (last) this.#close(stream)
    if (last && state === 'closing') this.#post(peer, { type: 'STREAM_ABORTED', id: pageId })
    if (state === 'live') this.#abort(stream, 'refused')
  }

  /** The host is gone, and all it was doing. */
  hostLost(failure: Failure): void {
    // A host that never greeted was handed nothing.
    const unsent = failure.code === 'HOST_UNAVAILABLE' || failure.code === 'VERSION_MISMATCH'
    for (const stream of this.#streams.closeAll()) {
      const { state, peer, pageId } = stream
      // Whoever is ending several streams just now shall see that this one has ended.
      stream.state = 'settled'
      if (state === 'live') {
        this.#settle(stream, failure.code, describe(failure), unsent ? 'connect' : phaseOf(stream))
      } else if (state === 'closing') this.#post(peer, { type: 'STREAM_ABORTED', id: pageId })
      this.#tellEnded(stream)
    }
    for (const { peer, request } of this.#status.takeAll()) {
      this.#post(peer, { type: 'STATUS', request, state: failure.state, destinations: [], fix: describe(failure) })
    }
    this.#updateUse()
  }

  /** What is refused may be more than it was: end the streams that would not begin any more. */
  judgeAgain(): void {
    for (const stream of [...this.#streams.all()]) {
      if (stream.state !== 'live') continue
      const refused = this.#admission.refusalSince(stream.peer, stream.observed)
      if (refused !== null) this.#fail(stream, 'POLICY_DENIED', refused)
    }
  }

  /**
   * The user wants this stream to end.
   *
   * @param tab which the popup is about, and the stream must be of; null: of whichever, in the dashboard
   */
  stop(tab: number | null, hostId: number): void {
    const stream = this.#streams.ofHost(hostId)
    if (stream?.state !== 'live' || 'refusal' in stream.peer.identity) return
    if (tab !== null && stream.peer.identity.page.tab !== tab) return
    const where = tab === null ? 'dashboard' : 'popup'
    this.#fail(stream, 'STOPPED_BY_USER', `You stopped this stream in the ${where} of the Longwire extension.`, 'user')
  }

  /** What this peer's question waits for. */
  waits(peer: Peer, what: WaitsFor): void {
    this.#post(peer, { type: 'WAITING', what })
  }

  #start(peer: Peer, fields: Parameters<typeof startToHost>[0]): void {
    const judged = this.#admission.judge(peer, fields)
    if ('code' in judged) return this.#tellError(peer, fields.id, judged.code, judged.text, judged.phase)
    const { page, profile } = judged
    // The writer has a count of its own: the page could else leave it none, and see how many it has.
    const document = page.principal === undefined ? page.document : `${page.document} ${page.principal}`
    const stream = this.#streams.open(peer, fields.id, document)
    if (stream === 'in-use') return this.#badFromPage(peer, fields)
    if (stream === 'limit') {
      const text = `This page has ${MAX_STREAMS_PER_TAB_FRAME} streams open, which is the limit. Finish or cancel some first.`
      return this.#tellError(peer, fields.id, 'LIMIT_EXCEEDED', text, 'policy')
    }
    try {
      const start = startToHost(fields, stream.hostId, page, profile)
      const { id, method, url } = start
      const durable = start.durable !== undefined
      stream.observed = { id, page, method, url, durable, startedAt: performance.now() }
      this.#observer.opened(stream.observed, start)
      this.#updateUse()
      if (this.#link.send(start)) return
      this.#settle(stream, 'LIMIT_EXCEEDED', 'Too many requests wait for the host to start.', 'connect')
    } catch (error) {
      if (!(error instanceof Refused)) throw error
      this.#tellError(peer, fields.id, 'PROTOCOL', error.message, 'policy')
    }
    this.#close(stream)
  }

  #command(peer: Peer, command: StreamCommand): void {
    const stream = this.#streams.ofPage(peer, command.id)
    // Finished, or never this page's: either way nobody's.
    if (stream?.state !== 'live') return
    if (command.type === 'STREAM_ABORT') {
      stream.state = 'closing'
      stream.ending = { how: 'abort', reason: command.reason }
    }
    // Before it is sent: the host may be lost on that, and this stream with it.
    if (stream.observed !== null) this.#tellCommand(stream.observed, command)
    if (!this.#link.send(commandToHost(command, stream.hostId))) {
      this.#fail(stream, 'LIMIT_EXCEEDED', 'Too many messages wait for the host to start.')
    }
  }

  #tellCommand(observed: Observed, command: StreamCommand): void {
    this.#observer.message(observed, command.type, offsetOf(command))
    if (command.type !== 'STREAM_BODY' || !this.#observer.tapped(observed)) return
    this.#observer.piece(observed, {
      way: 'up',
      at: performance.now(),
      data: command.data,
      size: command.data.byteLength
    })
  }

  #askStatus(peer: Peer, request: number): void {
    // A question that cannot be asked is answered all the same: the page's streams are not to pay for it.
    const answer = (state: BridgeState, fix: string) =>
      this.#post(peer, { type: 'STATUS', request, state, destinations: [], fix })
    const refused = this.#admission.refusalOf(peer)
    if (refused !== null || 'refusal' in peer.identity) return answer('ready', refused ?? '')
    const hostRequest = this.#status.ask(peer, request)
    if (hostRequest === undefined) {
      return answer('ready', `This page asked ${MAX_STATUS_REQUESTS} times without waiting for an answer.`)
    }
    this.#updateUse()
    const message: ToHost = { type: 'STATUS_REQUEST', request: hostRequest, page: peer.identity.page }
    if (this.#link.send(message)) {
      if (this.#link.starting) this.waits(peer, 'host')
      return
    }
    this.#status.take(hostRequest)
    this.#updateUse()
    answer('host-failed', 'Too many requests wait for the host to start.')
  }

  /** End the stream that the message speaks of, if it speaks of one; else this relay cannot be talked to. */
  #badFromPage(peer: Peer, message: unknown): void {
    const { type, id } = (typeof message === 'object' && message !== null ? message : {}) as Record<string, unknown>
    if (typeof id !== 'number' || !Number.isSafeInteger(id) || id < 1) return this.#drop(peer)
    const text = 'The page sent a message about this stream that is not one of the protocol.'
    const stream = this.#streams.ofPage(peer, id)
    if (stream?.state === 'live') this.#fail(stream, 'PROTOCOL', text)
    else if (type === 'STREAM_START' && stream === undefined) this.#tellError(peer, id, 'PROTOCOL', text, 'policy')
  }

  #report(stream: Stream<Peer>, report: StreamReport): void {
    const terminal = isTerminal(report.type)
    if (stream.observed !== null) learn(stream.observed, report)
    if (stream.state === 'live' || (stream.state === 'closing' && terminal)) {
      const message = this.#translated(stream, report)
      if (message !== null) this.#deliver(stream, message)
    } else if (report.type === 'STREAM_CHUNK') this.#late(stream, report)
    if (terminal) this.#close(stream)
  }

  #translated(stream: Stream<Peer>, report: StreamReport): StreamReportToPage | null {
    try {
      return reportToPage(report, stream.pageId)
    } catch {
      this.#fail(stream, 'PROTOCOL', 'The host sent bytes that are not base64.')
      return null
    }
  }

  /** What the host had sent when the page gave the stream up: nobody's any more, but whoever taps it. */
  #late({ observed, pageId }: Stream<Peer>, report: StreamReport): void {
    if (observed === null || !this.#observer.tapped(observed)) return
    try {
      this.#observer.piece(observed, pieceOf(reportToPage(report, pageId) as StreamChunk, false))
    } catch {
      // Not base64: it is no news of a stream that has failed already.
    }
  }

  /** The page first: who looks on can wait. */
  #deliver(stream: Stream<Peer>, message: StreamReportToPage): void {
    const { observed } = stream
    // Afterwards the bytes are no longer here.
    const size = message.type === 'STREAM_CHUNK' ? (message.size ?? message.data.byteLength) : 0
    const piece =
      message.type === 'STREAM_CHUNK' && observed !== null && this.#observer.tapped(observed) ? pieceOf(message) : null
    this.#post(stream.peer, message)
    if (observed === null) return
    switch (message.type) {
      case 'STREAM_CHUNK':
        if (message.window !== undefined) observed.window = message.window
        this.#observer.chunk(observed, message.offset, size)
        if (piece !== null) this.#observer.piece(observed, piece)
        return
      case 'STREAM_HEADERS':
        stream.headersSeen = true
        observed.url = message.url
        return this.#observer.headers(observed, message)
      case 'STREAM_BODY_ACK':
      case 'STREAM_BODY_AGAIN':
        return this.#observer.message(observed, message.type, offsetOf(message))
      default:
        stream.ending = endingBy(message) ?? stream.ending
    }
  }

  /** Tell the page that its stream failed, and the host that nobody wants it any more. */
  #fail(stream: Stream<Peer>, code: ErrorCode, text: string, reason: AbortReason = 'refused'): void {
    this.#settle(stream, code, text)
    this.#abort(stream, reason)
  }

  /** Tell the page that its stream failed: the host's own terminal message is for nobody any more. */
  #settle(stream: Stream<Peer>, code: ErrorCode, text: string, phase = phaseOf(stream)): void {
    const { retryable } = ERRORS[code]
    stream.state = 'settled'
    stream.ending ??= { how: 'error', by: 'extension', code, message: text, phase, retryable }
    this.#tellError(stream.peer, stream.pageId, code, text, phase)
  }

  #abort(stream: Stream<Peer>, reason: AbortReason): void {
    // While several streams end at once the host may be lost, and must not be started again for the rest.
    if (this.#streams.ofHost(stream.hostId) !== stream) return
    if (stream.observed !== null) this.#observer.message(stream.observed, 'STREAM_ABORT', 0)
    this.#link.send({ type: 'STREAM_ABORT', id: stream.hostId, reason })
  }

  #close(stream: Stream<Peer>): void {
    if (this.#streams.close(stream)) this.#tellEnded(stream)
    this.#updateUse()
  }

  #tellEnded({ observed, ending }: Stream<Peer>): void {
    if (observed !== null) this.#observer.ended(observed, ending ?? { how: 'abort', reason: null })
  }

  #drop(peer: Peer): void {
    // Chromium does not tell us of a disconnect that we made.
    peer.port.disconnect()
    this.pageGone(peer)
  }

  #tellError(peer: Peer, id: number, code: ErrorCode, message: string, phase: Phase): void {
    const { retryable } = ERRORS[code]
    this.#post(peer, { type: 'STREAM_ERROR', id, code, message, phase, retryable } satisfies StreamErrorFields)
  }

  #post(peer: Peer, message: ToPage): void {
    const direct = this.#direct.of(peer)
    // A chunk's memory is given away with it.
    if (direct) return direct.postMessage(message, message.type === 'STREAM_CHUNK' ? [message.data.buffer] : [])
    try {
      peer.port.postMessage(message)
    } catch {
      // The port closed and its event, which ends this peer's streams, is on the way.
    }
  }

  #updateUse(): void {
    this.#link.setInUse(this.#streams.size > 0 || this.#status.size > 0)
  }
}

/** A chunk as it is tapped. `copied`: its memory is going to be somebody else's. */
function pieceOf({ data, encoding, size = data.byteLength }: StreamChunk, copied = true): Piece {
  const piece = { way: 'down', at: performance.now(), data: copied ? data.slice() : data, size } as const
  return encoding === undefined ? piece : { ...piece, encoding }
}

/** What the host's terminal message makes of a stream; null if it only confirms what was asked. */
function endingBy(
  message: Extract<StreamReportToPage, { type: 'STREAM_END' | 'STREAM_ERROR' | 'STREAM_ABORTED' }>
): StreamEnding | null {
  if (message.type === 'STREAM_ABORTED') return null
  if (message.type === 'STREAM_END') {
    const { bytes, completeness, timings } = message
    return { how: 'end', bytes, completeness, timings }
  }
  const { code, message: text, phase, retryable } = message
  return { how: 'error', by: 'host', code, message: text, phase, retryable }
}
