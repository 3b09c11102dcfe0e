// A native link and relay ports that remember what was said to them.

import type { ToPage } from '../../src/protocol/bridge'
import type { Page, StreamStart, ToHost } from '../../src/protocol/native'
import type { HostLink, Peer, RelayPort } from '../../src/worker/bridge'
import type { DirectPort } from '../../src/worker/direct-ports'
import { SiteSwitches } from '../../src/worker/site-switches'
import { PAGE } from './samples'

export class FakeLink implements HostLink {
  readonly sent: ToHost[] = []
  inUse = false
  starting = false
  /** What `send` answers: false is what a link says that has too much waiting. */
  takes = true
  /** Called before a message is taken, with all its consequences. */
  before: (message: ToHost) => void = () => undefined

  send(message: ToHost): boolean {
    this.before(message)
    if (this.takes) this.sent.push(message)
    return this.takes
  }

  setInUse(inUse: boolean): void {
    this.inUse = inUse
  }

  /** Those of the messages that are about streams, without STREAM_START. */
  get commands(): ToHost[] {
    return this.sent.filter(({ type }) => type.startsWith('STREAM_') && type !== 'STREAM_START')
  }

  get starts(): StreamStart[] {
    return this.sent.filter((message) => message.type === 'STREAM_START')
  }
}

export class FakeRelayPort implements RelayPort {
  readonly posted: ToPage[] = []
  disconnected = false
  broken = false

  postMessage(message: unknown): void {
    if (this.broken) throw new Error('Attempting to use a disconnected port object')
    this.posted.push(message as ToPage)
  }

  disconnect(): void {
    this.disconnected = true
  }
}

export class FakeDirectPort implements DirectPort {
  readonly posted: ToPage[] = []
  readonly given: Transferable[][] = []
  onmessage: ((event: MessageEvent) => void) | null = null
  closed = false

  /** A message from the shim. */
  say(data: unknown): void {
    this.onmessage?.({ data } as MessageEvent)
  }

  postMessage(message: unknown, transfer: Transferable[]): void {
    this.posted.push(message as ToPage)
    this.given.push(transfer)
  }

  close(): void {
    this.closed = true
  }
}

export type FakePeer = Peer & { readonly port: FakeRelayPort }

export function peerOf(page: Partial<Page> = {}): FakePeer {
  return { port: new FakeRelayPort(), identity: { page: { ...PAGE, ...page } } }
}

export function refusedPeer(refusal: string): FakePeer {
  return { port: new FakeRelayPort(), identity: { refusal } }
}

/** Switches of sites that are remembered as long as `kept` is. */
export function switchesOf(kept: Record<string, unknown>, changed = () => {}, isPrivate = false): SiteSwitches {
  const storage = {
    get: async (key: string) => ({ [key]: kept[key] }),
    set: async (items: Record<string, unknown>) => void Object.assign(kept, structuredClone(items))
  }
  return new SiteSwitches(storage, isPrivate, changed)
}
