import { checkOptions, type Names } from '../client/options'
import { canDeflate } from './deflate'
import type { RpcError } from './errors'
import type { CoreOptions } from './link'
import type { StreamSendOptions } from './outgoing'

/** What a peer is made with; sizes in bytes, times in milliseconds. */
export interface PeerOptions {
  /** The socket may hold so much before streams wait: 1 MiB, or a preset of 16 MiB (`high`) or 256 KiB (`low`). */
  maxBufferedAmount?: number | keyof typeof BUFFER_PRESETS
  /** How often a socket is asked that cannot tell when it drained: 10, or a preset of 5 (`fast`) or 50 (`slow`). */
  backpressureDelay?: number | keyof typeof DELAY_PRESETS
  /** Credit that a stream begins with, 64 KiB; `receiveStream` may give more. */
  window?: number
  /** The largest message that is taken, inflated, 16 MiB. */
  maxMessageBytes?: number
  /** Streams in each direction, 1,024. */
  maxStreams?: number
  /** Requests that wait for an answer, in each direction, 256. */
  maxRequests?: number
  /** What streams may hold that nobody receives yet, together, 8 MiB. */
  maxUnclaimedBytes?: number
  /** How long such a stream waits, 10,000. */
  unclaimedTimeout?: number
  /** What a stream of a plain peer, which knows no credit, may hold unread, 16 MiB. */
  maxPlainBytes?: number
  /** After which silence the other side is taken for a plain one, 10,000. */
  helloTimeout?: number
  /** How long streams wait for a lost connection to be made anew, 30,000. */
  resumeTimeout?: number
  /** Whether messages are deflated where the other side inflates and that makes them smaller; true. */
  compress?: boolean
  /** Whether the text of an error that is no RpcError goes to the other side; false. */
  exposeErrors?: boolean
  /** Told of what the other side does against the protocol, and of streams that nobody received. */
  onWarning?: (error: RpcError, streamId?: string) => void
}

export const BUFFER_PRESETS = { high: 16 * 1024 * 1024, low: 256 * 1024 } as const
export const DELAY_PRESETS = { fast: 5, slow: 50 } as const

const DEFAULTS = {
  maxBufferedAmount: 1024 * 1024,
  backpressureDelay: 10,
  window: 64 * 1024,
  maxMessageBytes: 16 * 1024 * 1024,
  maxStreams: 1024,
  maxRequests: 256,
  maxUnclaimedBytes: 8 * 1024 * 1024,
  unclaimedTimeout: 10_000,
  maxPlainBytes: 16 * 1024 * 1024,
  helloTimeout: 10_000,
  resumeTimeout: 30_000
} as const

const NAMES: Names<PeerOptions> = {
  maxBufferedAmount: 0,
  backpressureDelay: 0,
  window: 0,
  maxMessageBytes: 0,
  maxStreams: 0,
  maxRequests: 0,
  maxUnclaimedBytes: 0,
  unclaimedTimeout: 0,
  maxPlainBytes: 0,
  helloTimeout: 0,
  resumeTimeout: 0,
  compress: 0,
  exposeErrors: 0,
  onWarning: 0
}

export type PeerSettings = { [name in keyof typeof DEFAULTS]: number } & {
  readonly compress: boolean
  readonly exposeErrors: boolean
  readonly onWarning: (error: RpcError, streamId?: string) => void
}

/** @throws {TypeError} an option that is none, or a value that cannot be */
export function peerSettings(options: PeerOptions): PeerSettings {
  checkOptions(options, NAMES, 'a peer')
  const { compress = true, exposeErrors = false, onWarning = () => undefined, ...given } = options
  const settings: { [name in keyof typeof DEFAULTS]: number } = { ...DEFAULTS }
  for (const [name, value] of Object.entries({ ...given })) {
    if (value === undefined) continue
    const presets: Record<string, number> = name === 'maxBufferedAmount' ? BUFFER_PRESETS : DELAY_PRESETS
    const number = typeof value === 'string' && Object.hasOwn(presets, value) ? presets[value] : value
    if (typeof number !== 'number' || !(number > 0)) throw new TypeError(`\`${name}\` cannot be ${String(value)}`)
    Object.assign(settings, { [name]: number })
  }
  return { ...settings, compress, exposeErrors, onWarning }
}

export function coreOptions(settings: PeerSettings, role: 'connect' | 'accept', resumable: boolean): CoreOptions {
  return { ...settings, role, token: randomId(), resumable, deflate: settings.compress && canDeflate() }
}

const SEND_NAMES: Names<StreamSendOptions> = { urgency: 0, rate: 0, batch: 0, compress: 0 }
const BATCH_NAMES: Names<NonNullable<StreamSendOptions['batch']>> = { items: 0, delay: 0 }

/** @throws {TypeError} an option that is none, or a value that cannot be */
export function checkSendOptions(options: StreamSendOptions): void {
  checkOptions(options, SEND_NAMES, '`sendStream`')
  const { urgency = 3, rate = 1, batch = {} } = options
  checkOptions(batch, BATCH_NAMES, '`batch`')
  const { items = 1, delay = 0 } = batch
  if (!Number.isInteger(urgency) || urgency < 0 || urgency > 7) throw new TypeError('`urgency` is 0 to 7')
  if (!(rate > 0)) throw new TypeError('`rate` is a number of bytes a second above 0')
  if (!Number.isInteger(items) || items < 1) throw new TypeError('`batch.items` is a whole number above 0')
  if (!(delay >= 0)) throw new TypeError('`batch.delay` is a number of milliseconds')
}

/** 128 bits that nobody guesses. */
export function randomId(): string {
  // Not `randomUUID`, which pages without TLS do not have.
  const bytes = crypto.getRandomValues(new Uint8Array(16))
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
}
