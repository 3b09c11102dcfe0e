// MessageChannel as a browser has it. Node's ports deliver events of a class of their own, which the getters that the shim
// captured from MessageEvent do not know.

const soon = setImmediate

class BrowserMessageEvent extends Event {
  readonly #data: unknown
  readonly #ports: readonly MessagePort[]
  readonly origin: string
  readonly lastEventId: string

  constructor(type: string, init?: MessageEventInit) {
    super(type, init)
    this.#data = init?.data ?? null
    this.#ports = Object.freeze([...(init?.ports ?? [])])
    this.origin = init?.origin ?? ''
    this.lastEventId = init?.lastEventId ?? ''
  }

  get data(): unknown {
    return this.#data
  }

  get ports(): readonly MessagePort[] {
    return this.#ports
  }
}

class BrowserMessagePort extends EventTarget {
  #peer: BrowserMessagePort | null = null
  #queue: { data: unknown; ports: MessagePort[] }[] = []
  #started = false
  #closed = false
  #onmessage: ((event: MessageEvent) => void) | null = null

  static pair(): [BrowserMessagePort, BrowserMessagePort] {
    const one = new BrowserMessagePort()
    const other = new BrowserMessagePort()
    one.#peer = other
    other.#peer = one
    return [one, other]
  }

  get onmessage(): ((event: MessageEvent) => void) | null {
    return this.#onmessage
  }

  set onmessage(listener: ((event: MessageEvent) => void) | null) {
    if (this.#onmessage === null) this.addEventListener('message', (event) => this.#onmessage?.(event as MessageEvent))
    this.#onmessage = listener
    this.start()
  }

  postMessage(data: unknown, transfer: Transferable[] = []): void {
    // Ports keep their identity here: nothing runs in a process of its own.
    const ports = transfer.filter((item) => item instanceof BrowserMessagePort) as unknown as MessagePort[]
    const others = transfer.filter((item) => !(item instanceof BrowserMessagePort))
    const copy: unknown = structuredClone(data, { transfer: others })
    const peer = this.#peer
    if (this.#closed || peer === null) return
    peer.#queue.push({ data: copy, ports })
    soon(() => peer.#deliver())
  }

  start(): void {
    this.#started = true
    soon(() => this.#deliver())
  }

  close(): void {
    this.#closed = true
  }

  #deliver(): void {
    while (this.#started && !this.#closed && this.#queue.length > 0) {
      this.dispatchEvent(new BrowserMessageEvent('message', this.#queue.shift()))
    }
  }
}

class BrowserMessageChannel {
  readonly port1: BrowserMessagePort
  readonly port2: BrowserMessagePort

  constructor() {
    ;[this.port1, this.port2] = BrowserMessagePort.pair()
  }
}

Object.assign(globalThis, {
  MessageEvent: BrowserMessageEvent,
  MessagePort: BrowserMessagePort,
  MessageChannel: BrowserMessageChannel
})

/** Until every message that is under way, and every one that those give rise to, has arrived. */
export async function delivered(): Promise<void> {
  for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => soon(resolve))
}
