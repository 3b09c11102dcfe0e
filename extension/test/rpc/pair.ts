import { expect } from 'vitest'
import { type AcceptOptions, accept } from '../../src/rpc/accepting'
import { RpcError } from '../../src/rpc/errors'
import type { PeerOptions } from '../../src/rpc/options'
import { Peer } from '../../src/rpc/peer'
import type { SocketLike } from '../../src/rpc/socket'

type Listener = (event: MessageEvent & CloseEvent) => void
type Sent = string | Uint8Array<ArrayBuffer>

/** The counts of a peer that is done. */
export const NOTHING = { outgoing: 0, incoming: 0, requests: 0, unclaimedBytes: 0, closedIds: 0 }

/** One end of a connection in memory: messages arrive in order, each in a turn of its own; the network can be held. */
export class End implements SocketLike {
  readyState = 1
  bufferedAmount = 0
  binaryType = 'arraybuffer'
  /** What this end has sent. */
  readonly sent: Sent[] = []
  other!: End
  #listeners: [string, Listener][] = []
  #waiting: Sent[] = []
  #held = false
  closedWith: [number, string] | null = null

  send(data: Sent): void {
    this.sent.push(data)
    this.bufferedAmount += data.length
    this.#waiting.push(data)
    if (!this.#held) setImmediate(() => this.#deliver())
  }

  #deliver(): void {
    const data = this.#waiting.shift()
    if (data === undefined) return
    this.bufferedAmount -= data.length
    if (this.other.readyState <= 2)
      this.other.emit('message', { data: typeof data === 'string' ? data : data.slice().buffer })
  }

  /** Nothing leaves this end until `flow`. */
  hold(): void {
    this.#held = true
  }

  flow(): void {
    this.#held = false
    for (const _ of this.#waiting) setImmediate(() => this.#deliver())
  }

  close(code = 1005, reason = ''): void {
    if (this.readyState >= 2) return
    this.closedWith = [code, reason]
    this.readyState = 2
    setImmediate(() => {
      this.#deliver()
      this.end(code, reason)
      this.other.end(code, reason)
    })
  }

  /** The connection breaks: what is on its way is lost. */
  cut(): void {
    for (const end of [this, this.other]) {
      end.#waiting = []
      end.end(1006, '')
    }
  }

  end(code: number, reason: string): void {
    if (this.readyState === 3) return
    this.readyState = 3
    this.emit('close', { code, reason, wasClean: code !== 1006 })
  }

  addEventListener(type: string, listener: Listener): void {
    this.#listeners.push([type, listener])
  }

  emit(type: string, event: object): void {
    for (const [name, listener] of this.#listeners) if (name === type) listener(event as MessageEvent & CloseEvent)
  }
}

export function ends(): [End, End] {
  const [one, other] = [new End(), new End()]
  one.other = other
  other.other = one
  return [one, other]
}

export interface Pair {
  readonly client: Peer
  readonly server: Peer
  readonly sockets: [End, End]
}

/** Two peers of ours that have said hello. */
export async function pair(options: PeerOptions = {}, serverOptions: AcceptOptions = {}): Promise<Pair> {
  const sockets = ends()
  const client = new Peer(options, 'connect', false)
  client.attach(sockets[0])
  const server = await accept(sockets[1], serverOptions)
  await client.opened
  return { client, server, sockets }
}

/** A peer of ours, and a plain one of which the test decides every message. */
export function withPlain(options: PeerOptions = {}): {
  peer: Peer
  plain: End
  messages: () => unknown[]
  socket: End
} {
  const [socket, plain] = ends()
  const peer = new Peer(options, 'connect', false)
  peer.attach(socket)
  // As the plain peer does with every ping.
  plain.send(JSON.stringify({ category: 'pong', timestamp: 0 }))
  const messages = () =>
    socket.sent.map((text) => JSON.parse(text as string)).filter(({ category }) => category !== 'ping')
  return { peer, plain, messages, socket }
}

/** Every item, and how it ended. */
export async function all(stream: ReadableStream<unknown>): Promise<unknown[]> {
  const items: unknown[] = []
  for await (const item of stream) items.push(item)
  return items
}

/** A turn of the loop, and what it set off. */
export async function turns(count = 20): Promise<void> {
  for (let i = 0; i < count; i++) await new Promise((resolve) => setImmediate(resolve))
}

/** An endless source that says how it is used. */
export function source(): { items: AsyncGenerator<number>; state: { given: number; returned: boolean } } {
  const state = { given: 0, returned: false }
  async function* items(): AsyncGenerator<number> {
    try {
      for (;;) yield state.given++
    } finally {
      state.returned = true
    }
  }
  return { items: items(), state }
}

/** A finite source. */
export async function* of(...items: unknown[]): AsyncGenerator<unknown> {
  yield* items
}

/** What it fails with. */
export const failing = async (promise: Promise<unknown>): Promise<RpcError> => {
  const error = await promise.then(
    () => new Error('nothing failed'),
    (reason: unknown) => reason
  )
  expect(error).toBeInstanceOf(RpcError)
  return error as RpcError
}
