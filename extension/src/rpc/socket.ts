/** What a peer needs of a socket: the browser's WebSocket, Node's, `ws`, or Longwire's. */
export interface SocketLike {
  readonly readyState: number
  readonly bufferedAmount: number
  binaryType: string
  send(data: string | Uint8Array<ArrayBuffer>): void
  close(code?: number, reason?: string): void
  // biome-ignore lint/suspicious/noExplicitAny: each library has classes of events of its own
  addEventListener(type: SocketEvent, listener: (event: any) => void): void
}

export type SocketEvent = 'open' | 'message' | 'error' | 'close'

/** `new WebSocketClass(url, protocols)` makes one. */
export type SocketClass = new (url: string, protocols?: string | string[]) => SocketLike

export interface SocketHandlers {
  readonly message: (data: string | Uint8Array) => void
  readonly closed: (code: number, reason: string) => void
  /** It has room again. */
  readonly drained: () => void
}

const OPEN = 1

/** A socket that is open, with the one question that they answer differently: when it has drained. */
export class Socket {
  readonly #socket: SocketLike
  readonly #most: number
  readonly #delay: number
  readonly #handlers: SocketHandlers
  /** `ws` calls back when a message has left; all others must be asked again and again. */
  readonly #calls: boolean
  #asking: ReturnType<typeof setTimeout> | undefined
  #over = false

  constructor(socket: SocketLike, maxBufferedAmount: number, backpressureDelay: number, handlers: SocketHandlers) {
    this.#socket = socket
    this.#most = maxBufferedAmount
    this.#delay = backpressureDelay
    this.#handlers = handlers
    this.#calls = 'on' in socket && socket.send.length > 1
    socket.binaryType = 'arraybuffer'
    socket.addEventListener('message', ({ data }) => {
      if (!this.#over) handlers.message(typeof data === 'string' ? data : bytesOf(data))
    })
    socket.addEventListener('close', ({ code, reason }) => this.#close(code, reason))
    // A close follows, which says more.
    socket.addEventListener('error', () => undefined)
    if (socket.readyState > OPEN) setTimeout(() => this.#close(1006, ''), 0)
  }

  #close(code: number, reason: string): void {
    if (this.#over) return
    this.#over = true
    clearTimeout(this.#asking)
    this.#handlers.closed(code, reason)
  }

  /** Whether it has room for more than control messages; if not, `drained` is called once it has. */
  get writable(): boolean {
    if (this.#socket.bufferedAmount <= this.#most) return true
    if (!this.#calls && this.#asking === undefined) this.#askLater()
    return false
  }

  #askLater(): void {
    this.#asking = setTimeout(() => {
      this.#asking = undefined
      if (this.#over) return
      if (this.#socket.bufferedAmount > this.#most) this.#askLater()
      else this.#handlers.drained()
    }, this.#delay)
  }

  send(data: string | Uint8Array): void {
    // Closing: what is sent now goes nowhere, and `ws` and undici say so by throwing or warning.
    if (this.#over || this.#socket.readyState !== OPEN) return
    if (!this.#calls) return this.#socket.send(data as Uint8Array<ArrayBuffer>)
    const send = this.#socket.send as (data: string | Uint8Array, sent: (error?: Error) => void) => void
    send.call(this.#socket, data, () => {
      if (!this.#over && this.#socket.bufferedAmount <= this.#most) this.#handlers.drained()
    })
  }

  close(code: number, reason: string): void {
    // A page may name no other of the protocol's own codes.
    const allowed = code === 1000 || (code >= 3000 && code < 5000) || this.#calls
    this.#socket.close(allowed ? code : 4000 + (code % 1000), reason)
  }

  /** Whatever comes of it from now on is of no interest. */
  abandon(): void {
    this.#over = true
    clearTimeout(this.#asking)
  }
}

function bytesOf(data: unknown): Uint8Array {
  if (data instanceof ArrayBuffer) return new Uint8Array(data)
  if (ArrayBuffer.isView(data)) return new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
  // A Blob, where somebody set `binaryType` back: it is no message of ours.
  return new Uint8Array()
}
