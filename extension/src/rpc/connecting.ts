import { StreamError } from '../client/errors'
import { delayBefore, type RetryOptions, retryRules } from '../client/retry'
import { later, type Timer } from '../client/waiting'
import type { PeerOptions } from './options'
import { Peer } from './peer'
import type { SocketClass, SocketLike } from './socket'

export interface ConnectOptions extends PeerOptions {
  /** How a connection is made anew, by the rules of `stream`; false: it is not. */
  retry?: Omit<RetryOptions, 'resend' | 'maxRetryAfter'> | false
  /** Subprotocols. */
  protocols?: string | string[]
  /** What makes the sockets, the global one by default. */
  WebSocket?: SocketClass
  /** Told when a connection was made anew, and whether the streams go on. */
  onReconnect?: (resumed: boolean) => void
}

/** Who closes with one of these does not want to be called again: 4000 and above are the application's own word. */
const FINAL: ReadonlySet<number> = new Set([1000, 1002, 1003, 1007, 1008, 1009, 1010])
const isFinal = (code: number): boolean => FINAL.has(code) || code >= 4000

/**
 * Connects to a server, and again when the connection is lost: streams then go on if both sides kept them, and end with
 * RESUME_FAILED or CONNECTION_CLOSED if not.
 *
 * @throws {TypeError} an option that is none, or where there is no WebSocket
 */
export function connect(url: string | URL, options: ConnectOptions = {}): Peer {
  const { retry, protocols, WebSocket: Given, onReconnect = () => undefined, ...rest } = options
  const Maker: SocketClass | undefined = Given ?? (globalThis.WebSocket as SocketClass | undefined)
  if (Maker === undefined) throw new TypeError('There is no WebSocket here: give one, as in { WebSocket } of `ws`')
  const rules = retryRules(retry)
  const peer = new Peer(rest, 'connect', rules.retries > 0)
  let attempts = 0
  let connected = false
  let timer: Timer | undefined

  const dial = () => {
    const socket: SocketLike = new Maker(String(url), ...(protocols === undefined ? [] : [protocols]))
    let open = false
    let over = false
    // A browser's socket says nothing; Longwire's, Node's and `ws` say why.
    let cause: unknown
    socket.addEventListener('open', () => {
      if (over) return
      open = true
      peer.attach(socket)
    })
    socket.addEventListener('error', ({ error }) => {
      cause = error
    })
    socket.addEventListener('close', ({ code, reason }) => {
      if (!open && !over && !again(code)) peer.lost(code, reason, true, cause)
    })
    void peer.closed.then(() => {
      over = true
      if (!open) socket.close()
    })
  }

  /** @returns whether it is tried once more */
  const again = (code: number): boolean => {
    if (attempts >= rules.retries || isFinal(code)) return false
    attempts++
    const error = new StreamError('FETCH_FAILED', 'Connection closed')
    timer = later(dial, delayBefore(attempts, error, rules) ?? 0)
    return true
  }

  peer.onClosed = again
  peer.onConnection = (event) => {
    if (event.type !== 'ready') return
    attempts = 0
    if (connected) onReconnect(event.resumed)
    connected = true
  }
  void peer.closed.then(() => clearTimeout(timer))
  dial()
  return peer
}
