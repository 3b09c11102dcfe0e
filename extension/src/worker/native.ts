import type { CloseReason, Port } from '../platform/platform'
import { LINGER_MS, MAX_STREAMS_PER_HOST, MIB, PEER_SILENCE_MS, PROTOCOL_VERSION } from '../protocol/constants'
import { isFromHost } from '../protocol/guards'
import type { FromHost, PolicySummary, Switches, ToHost } from '../protocol/native'
import { isTerminal } from '../shared/terminal'
import {
  type Failure,
  failureOf,
  hostMute,
  hostSaidFatal,
  hostSaidNoWelcome,
  hostSilent,
  hostSpokeNonsense,
  versionMismatch
} from './failure'

/** The name under which `longwire install` registers the host with the browser. */
export const NATIVE_HOST = 'com.longwire.host'

/** How long a started host may take to answer HELLO: a cold interpreter on a busy machine, with room. */
export const WELCOME_DEADLINE_MS = 10_000

/** What shims undo. Their relays have the same BRIDGE_VERSION, so there are none that do not. */
const CHUNK_ENCODINGS = ['deflate']

/** What the host's messages have had since, and the guards take. A host says no more than this. */
const KNOWS = ['writer', 'grant', 'takes']

/** What may wait for WELCOME: characters of URLs, header fields and bodies, and messages of whatever size. */
export const MAX_QUEUED_CHARS = 32 * MIB
export const MAX_QUEUED_MESSAGES = 4 * MAX_STREAMS_PER_HOST

// A timer that comes this much too late was asleep with the machine, and so was the host.
const ASLEEP_MS = 5_000

/** What is left of the messages after the link took out its own. */
export type HostMessage = Exclude<FromHost, { type: 'WELCOME' | 'STREAM_PING' | 'POLICY' | 'FATAL' }>

/** The world as the link sees it. */
export interface LinkWorld {
  connect(): Port
  /** Why a port closed, if the browser says it; asked while the port's listeners are told. */
  closedBy(port: Port): CloseReason | undefined
  readonly extensionId: string
  readonly extensionVersion: string
  /** What the browser's administrator switched off; null while nothing is. */
  switches(): Switches | null
  /** Milliseconds on a clock that never goes back. */
  now(): number
}

/** Who listens to the link. */
export interface LinkEvents {
  message(message: HostMessage): void
  /** A message that is none and names a stream: that stream cannot go on, the others can. `last`: the host is done with it. */
  badMessage(streamId: number, last: boolean): void
  policy(policy: PolicySummary): void
  /** The channel is gone, and every stream with it. The next `send` makes a new one. */
  lost(failure: Failure): void
}

/**
 * The one native port: opened by the first message, welcomed, watched while it is in use, closed after a linger.
 *
 * Chromium keeps the worker alive while the port is open, so all timers here run to their end.
 */
export class NativeLink {
  readonly #world: LinkWorld
  readonly #events: LinkEvents
  #port: Port | null = null
  #welcomed = false
  #inUse = false
  #queue: ToHost[] = []
  #queuedChars = 0
  #lastFrameAt = 0
  /** What the host takes that not every host does. */
  #takes: readonly string[] = []
  /** The last that this host was told of the switches, as JSON. */
  #switches = 'null'
  #timer: ReturnType<typeof setTimeout> | undefined

  constructor(world: LinkWorld, events: LinkEvents) {
    this.#world = world
    this.#events = events
  }

  /** Start the host if it does not run. WELCOME tells the policy. */
  open(): void {
    if (this.#port !== null) return
    const port = this.#world.connect()
    this.#port = port
    port.onMessage.addListener((message) => {
      if (port === this.#port) this.#receive(message)
    })
    port.onDisconnect.addListener(() => {
      if (port !== this.#port) return
      this.#lose(failureOf(this.#world.closedBy(port), this.#welcomed, this.#world.extensionId))
    })
    this.#post({
      type: 'HELLO',
      protocol: PROTOCOL_VERSION,
      extension: this.#world.extensionVersion,
      chunk_encodings: CHUNK_ENCODINGS,
      knows: KNOWS
    })
    this.#arm()
  }

  /**
   * Send now, or after WELCOME.
   *
   * @returns false if too much waits for WELCOME already; the message was not taken
   */
  send(message: ToHost): boolean {
    this.open()
    if (this.#welcomed) {
      this.#post(message)
      return true
    }
    // Lost while opening: `lost` has told everybody, and the next connection must not inherit the message.
    if (this.#port === null) return true
    const chars = this.#queuedChars + weight(message)
    // An abort is small, one at most for each start, and must not be lost.
    const full = chars > MAX_QUEUED_CHARS || this.#queue.length >= MAX_QUEUED_MESSAGES
    if (full && message.type !== 'STREAM_ABORT') return false
    this.#queuedChars = chars
    this.#queue.push(message)
    return true
  }

  /** Tell the host that runs what is switched off, if that is news to it. */
  tellSwitches(): void {
    if (!this.#welcomed || !this.#takes.includes('SWITCHES')) return
    const switches = this.#world.switches()
    const text = JSON.stringify(switches)
    if (text === this.#switches) return
    this.#switches = text
    this.#post(switches ?? { type: 'SWITCHES', enabled: true })
  }

  /** Whether the host was started and has not said yet that it is there. */
  get starting(): boolean {
    return this.#port !== null && !this.#welcomed
  }

  /** When the host was last heard of, on the world's clock; 0: never. */
  get heardAt(): number {
    return this.#lastFrameAt
  }

  /** Whether anybody waits for the host: then its silence counts, else it lingers and is released. */
  setInUse(inUse: boolean): void {
    if (inUse === this.#inUse) return
    this.#inUse = inUse
    // The host pings only while streams live, so silence counts from now.
    this.#lastFrameAt = this.#world.now()
    if (this.#welcomed) this.#arm()
  }

  #receive(message: unknown): void {
    this.#lastFrameAt = this.#world.now()
    if (!isFromHost(message)) this.#receiveBad(message)
    else if (message.type === 'FATAL') this.#lose(this.#welcomed ? hostSaidFatal(message) : hostSaidNoWelcome(message))
    else if (message.type === 'WELCOME') this.#welcome(message)
    else if (!this.#welcomed) this.#lose(hostSpokeNonsense())
    else if (message.type === 'STREAM_PING') this.#post({ type: 'STREAM_PONG', seq: message.seq })
    else if (message.type === 'POLICY') this.#events.policy(message.policy)
    else this.#events.message(message)
  }

  #welcome(message: Extract<FromHost, { type: 'WELCOME' }>): void {
    if (this.#welcomed) return this.#lose(hostSpokeNonsense())
    if (message.protocol !== PROTOCOL_VERSION) return this.#lose(versionMismatch(PROTOCOL_VERSION, message.protocol))
    this.#welcomed = true
    this.#takes = message.takes ?? []
    // Before all that pages asked meanwhile.
    this.tellSwitches()
    const queue = this.#queue
    this.#queue = []
    this.#queuedChars = 0
    for (const waiting of queue) this.#post(waiting)
    this.#arm()
    if (this.#port !== null) this.#events.policy(message.policy)
  }

  #receiveBad(message: unknown): void {
    const { type, id, protocol } = (typeof message === 'object' && message !== null ? message : {}) as Record<
      string,
      unknown
    >
    // A host of another version may well say more in its WELCOME than this guard knows.
    if (type === 'WELCOME' && typeof protocol === 'number' && protocol !== PROTOCOL_VERSION) {
      this.#lose(versionMismatch(PROTOCOL_VERSION, protocol))
    } else if (this.#welcomed && typeof id === 'number') {
      this.#events.badMessage(id, isTerminal(type))
    } else {
      this.#lose(hostSpokeNonsense())
    }
  }

  #post(message: ToHost): void {
    try {
      this.#port?.postMessage(message)
    } catch {
      // The port closed and its event is still on the way.
      this.#lose(failureOf(undefined, this.#welcomed, this.#world.extensionId))
    }
  }

  #lose(failure: Failure): void {
    this.#close()
    this.#events.lost(failure)
  }

  #close(): void {
    clearTimeout(this.#timer)
    const port = this.#port
    this.#port = null
    this.#welcomed = false
    this.#takes = []
    this.#switches = 'null'
    this.#queue = []
    this.#queuedChars = 0
    port?.disconnect()
  }

  /** One timer, for whatever the link waits for now. */
  #arm(): void {
    clearTimeout(this.#timer)
    if (this.#port === null) return
    if (!this.#welcomed) this.#timer = setTimeout(() => this.#lose(hostMute(WELCOME_DEADLINE_MS)), WELCOME_DEADLINE_MS)
    else if (this.#inUse) this.#watch(PEER_SILENCE_MS)
    else this.#timer = setTimeout(() => this.#close(), LINGER_MS)
  }

  #watch(waitMs: number): void {
    const due = this.#world.now() + waitMs
    this.#timer = setTimeout(() => {
      const now = this.#world.now()
      if (now - due > ASLEEP_MS) this.#lastFrameAt = now
      const silentMs = now - this.#lastFrameAt
      if (silentMs >= PEER_SILENCE_MS) this.#lose(hostSilent(silentMs))
      else this.#watch(PEER_SILENCE_MS - silentMs)
    }, waitMs)
  }
}

/** Characters of what a page chose the size of. */
function weight(message: ToHost): number {
  if (message.type === 'STREAM_BODY') return message.data.length
  if (message.type !== 'STREAM_START') return 0
  let chars = message.url.length + (message.body.kind === 'inline' ? message.body.data.length : 0)
  for (const [name, value] of message.headers) chars += name.length + value.length
  return chars
}
