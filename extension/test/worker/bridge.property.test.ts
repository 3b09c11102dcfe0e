// Whatever pages and host say, in whatever order: each start ends at most once, nobody hears another's messages, and who
// looks on is told what the page is told.

import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { ToPage } from '../../src/protocol/bridge'
import type { ToHost } from '../../src/protocol/native'
import { Bridge, type Peer } from '../../src/worker/bridge'
import { failureOf } from '../../src/worker/failure'
import type { HostMessage } from '../../src/worker/native'
import { type ObservedStream, Observer, type StreamEnding } from '../../src/worker/observer'
import { aborted, chunk, end, error, headers, PAGE, start } from './samples'

const PEERS = 3
const lost = failureOf('exited', true, 'id')
/** A full link takes only aborts; one that is about to be lost loses its host with the next message. */
type LinkState = 'ready' | 'full' | 'about to be lost'

const isTerminal = ({ type }: ToPage) => type === 'STREAM_END' || type === 'STREAM_ERROR' || type === 'STREAM_ABORTED'

// What a host may say of a stream; the last is no base64.
const REPORTS = { headers, chunk, end, error, aborted, garbled: (id: number) => chunk(id, 0, '!') }

/** One accepted or refused start, from the page's point of view. */
interface Started {
  ended: boolean
  aborted: boolean
  /** The terminal message that the page had. */
  heard?: string
}

const HOW: Record<string, StreamEnding['how']> = { STREAM_END: 'end', STREAM_ERROR: 'error', STREAM_ABORTED: 'abort' }

/**
 * What is around the bridge: it checks every message that comes out, as it comes out. The bridge takes a port that throws
 * for one that is closed, so what is wrong is collected.
 */
class World {
  readonly bridge: Bridge
  readonly peers: (Peer & { readonly name: string })[]
  readonly hostIds: number[] = []
  /** Streams that the host still has, by its id. */
  readonly atHost = new Map<number, { readonly key: string }>()
  /** The latest start of each page id. */
  readonly #started = new Map<string, Started>()
  readonly #questions = new Map<number, { readonly name: string }>()
  readonly #asked: string[] = []
  readonly #gone = new Set<string>()
  readonly #watched = new Map<ObservedStream, { readonly stream: Started; open: boolean }>()
  #inUse = false
  readonly #violations: unknown[] = []
  #link: LinkState = 'ready'

  constructor() {
    const observer = new Observer()
    observer.listen({
      opened: (stream) => this.#checked(() => this.#opens(stream)),
      headers: (stream) => this.#checked(() => this.#goesOn(stream)),
      chunk: (stream) => this.#checked(() => this.#goesOn(stream)),
      message: (stream) => this.#checked(() => this.#goesOn(stream)),
      ended: (stream, ending) => this.#checked(() => this.#ends(stream, ending))
    })
    const link = {
      send: (message: ToHost) => this.#checked(() => this.#toHost(message)) ?? true,
      setInUse: (inUse: boolean) => this.#use(inUse),
      starting: false
    }
    this.bridge = new Bridge(link, observer)
    this.peers = Array.from({ length: PEERS }, (_, n) => this.#newPeer(`p${n}.0`))
  }

  #newPeer(name: string): Peer & { readonly name: string } {
    const port = {
      postMessage: (message: unknown) => this.#checked(() => this.#toPage(name, message as ToPage)),
      disconnect: () => this.#checked(() => this.#leaves(name))
    }
    return { name, port, identity: { page: { ...PAGE, origin: `https://${name}.example`, document: name } } }
  }

  #opens(observed: ObservedStream): void {
    expect(this.#watched.has(observed)).toBe(false)
    const stream = this.#started.get(new URL(observed.url).pathname.slice(1)) as Started
    this.#watched.set(observed, { stream, open: true })
  }

  #goesOn(observed: ObservedStream): void {
    // Without `expect`, which takes its time, since this is every event of some ten thousand streams.
    if (this.#watched.get(observed)?.open !== true)
      throw new Error(`an event of stream ${observed.id}, which is not open`)
  }

  #ends(observed: ObservedStream, { how }: StreamEnding): void {
    const watched = this.#watched.get(observed) as { stream: Started; open: boolean }
    this.#goesOn(observed)
    watched.open = false
    // A page that is gone hears nothing.
    expect(how).toBe(HOW[watched.stream.heard ?? 'STREAM_ABORTED'])
  }

  #checked<T>(check: () => T): T | undefined {
    try {
      return check()
    } catch (violation) {
      this.#violations.push(violation)
      return undefined
    }
  }

  #leaves(name: string): void {
    expect(this.#gone.has(name)).toBe(false)
    this.#gone.add(name)
    const index = Number(name[1])
    this.peers[index] = this.#newPeer(`p${index}.${this.#gone.size}`)
  }

  #use(inUse: boolean): void {
    this.#inUse = inUse
  }

  #toHost(message: ToHost): boolean {
    if (this.#link === 'about to be lost') {
      this.#link = 'ready'
      this.loseHost()
      return true
    }
    if (this.#link === 'full' && message.type !== 'STREAM_ABORT') return false
    expect(this.#inUse).toBe(true)
    if (message.type === 'STREAM_START') {
      expect(message.id).toBeGreaterThan(this.hostIds.at(-1) ?? 0)
      this.hostIds.push(message.id)
      // The page wrote its name and its id into the URL; the browser attests the name.
      const [, name, id] = new URL(message.url).pathname.split('/') as [string, string, string]
      expect(message.page.document).toBe(name)
      expect(message.page.origin).toBe(`https://${name}.example`)
      this.atHost.set(message.id, { key: `${name}/${id}` })
    } else if (message.type === 'STATUS_REQUEST') {
      expect(this.#questions.has(message.request)).toBe(false)
      this.#questions.set(message.request, { name: message.page.document })
    } else if ('id' in message) {
      // Never about a stream that the host is done with, nor one that it was never told of.
      expect(this.atHost.has(message.id)).toBe(true)
    }
    return true
  }

  #toPage(name: string, message: ToPage): void {
    expect(this.#gone.has(name)).toBe(false)
    if (message.type === 'STATUS') {
      expect(this.#asked).toContain(`${name}/${message.request}`)
      this.#asked.splice(this.#asked.indexOf(`${name}/${message.request}`), 1)
      return
    }
    expect(message.type).not.toBe('BRIDGE_LOST')
    const stream = this.#started.get(`${name}/${(message as { id: number }).id}`)
    expect(stream, `${message.type} for a stream that ${name} never started`).toBeDefined()
    if (stream === undefined) return
    expect(stream.ended, `${message.type} after the end`).toBe(false)
    if (message.type === 'STREAM_HEADERS') {
      // The host's frames carry whose they are.
      expect(message.reason).toBe(`${name}/${message.id}`)
    }
    if (isTerminal(message)) Object.assign(stream, { ended: true, heard: message.type })
    else expect(stream.aborted, `${message.type} after the page's abort`).toBe(false)
  }

  // --- what happens ---------------------------------------------------------------------------------------------------

  pageStarts(index: number, id: number, broken: boolean): void {
    const peer = this.peers[index] as Peer & { readonly name: string }
    const key = `${peer.name}/${id}`
    const held = [...this.atHost.values()].some((stream) => stream.key === key)
    // An id that is still in use starts nothing: the stream that has it is what ends.
    if (!held) this.#started.set(key, { ended: false, aborted: false })
    const url = `https://api.example.com/${key}`
    this.bridge.fromPage(peer, { ...start(id, { url }), ...(broken ? { page: PAGE } : {}) })
  }

  pageAborts(index: number, id: number): void {
    const stream = this.#started.get(`${this.peers[index]?.name}/${id}`)
    if (stream !== undefined) stream.aborted = true
    this.pageSays(index, { type: 'STREAM_ABORT', id, reason: 'signal' })
  }

  pageSays(index: number, message: unknown): void {
    this.bridge.fromPage(this.peers[index] as Peer, message)
  }

  pageAsks(index: number, request: number): void {
    const { name } = this.peers[index] as { name: string }
    this.#asked.push(`${name}/${request}`)
    this.pageSays(index, { type: 'STATUS_REQUEST', request })
  }

  pageLeaves(index: number): void {
    const peer = this.peers[index] as Peer & { readonly name: string }
    this.#leaves(peer.name)
    this.bridge.pageGone(peer)
  }

  /** The host says this about one of all the streams that it was ever told of. */
  hostSays(pick: number, what: keyof typeof REPORTS): void {
    const id = this.#pickId(pick)
    if (id === undefined) return
    const frame: HostMessage = REPORTS[what](id)
    const key = this.atHost.get(id)?.key
    if (frame.type === 'STREAM_HEADERS') Object.assign(frame, { reason: key ?? 'late' })
    if (isTerminal(frame as ToPage)) this.atHost.delete(id)
    this.bridge.fromHost(frame)
  }

  hostAnswers(pick: number): void {
    const request = [...this.#questions.keys()][pick % Math.max(1, this.#questions.size)] ?? 999
    this.#questions.delete(request)
    this.bridge.fromHost({ type: 'STATUS', request, state: 'ready', destinations: [] })
  }

  hostGarbles(pick: number, last: boolean): void {
    const id = this.#pickId(pick)
    if (id === undefined) return
    if (last) this.atHost.delete(id)
    this.bridge.badFromHost(id, last)
  }

  #pickId(pick: number): number | undefined {
    return this.hostIds[pick % Math.max(1, this.hostIds.length)]
  }

  linkIs(state: LinkState): void {
    this.#link = state
  }

  loseHost(): void {
    this.atHost.clear()
    this.#questions.clear()
    this.bridge.hostLost(lost)
  }

  /** The host finishes all that it has: then nothing is under way anywhere. */
  settle(): void {
    this.#link = 'ready'
    for (const id of [...this.atHost.keys()]) {
      this.atHost.delete(id)
      this.bridge.fromHost(aborted(id))
    }
    while (this.#questions.size > 0) this.hostAnswers(0)
    for (const violation of this.#violations) throw violation
    expect(this.#inUse).toBe(false)
    for (const { open } of this.#watched.values()) expect(open).toBe(false)
    for (const [key, { ended }] of this.#started) {
      if (!this.#gone.has(key.split('/')[0] as string)) expect(ended, key).toBe(true)
    }
  }
}

// --- any of it, in any order -----------------------------------------------------------------------------------------

const peer = fc.nat(PEERS - 1)
const pageId = fc.integer({ min: 1, max: 3 })
const pick = fc.nat(50)
const command = (id: number) =>
  fc.constantFrom<unknown>(
    { type: 'STREAM_ACK', id, consumed: 0 },
    { type: 'STREAM_BODY', id, offset: 0, data: new Uint8Array(2) },
    { type: 'STREAM_BODY_END', id, bytes: 0 },
    { type: 'STREAM_ACK', id, consumed: Number.NaN },
    { type: 'STREAM_SING', id },
    end(id)
  )
const nonsense = fc.constantFrom<unknown>(null, {}, { type: 'STREAM_PONG', seq: 1 })
const report = fc.constantFrom(...(Object.keys(REPORTS) as (keyof typeof REPORTS)[]))

/** A method of World and what to call it with. */
type Act = [keyof World, ...unknown[]]
const verb = (weight: number, name: keyof World, ...args: fc.Arbitrary<unknown>[]) => ({
  weight,
  arbitrary: fc.tuple(fc.constant(name), ...args) as fc.Arbitrary<Act>
})

const act = fc.oneof(
  verb(6, 'pageStarts', peer, pageId, fc.constantFrom(false, false, false, true)),
  verb(3, 'pageAborts', peer, pageId),
  verb(3, 'pageSays', peer, pageId.chain(command)),
  verb(1, 'pageSays', peer, nonsense),
  verb(1, 'pageAsks', peer, fc.integer({ min: 1, max: 9 })),
  verb(1, 'pageLeaves', peer),
  verb(12, 'hostSays', pick, report),
  verb(1, 'hostAnswers', pick),
  verb(1, 'hostGarbles', pick, fc.boolean()),
  verb(1, 'loseHost'),
  verb(2, 'linkIs', fc.constantFrom('ready', 'full', 'about to be lost'))
)

test('any interleaving of pages and host', () => {
  fc.assert(
    fc.property(fc.array(act, { maxLength: 120, size: 'max' }), (acts) => {
      const world = new World()
      for (const [name, ...args] of acts) (world[name] as (...args: unknown[]) => void).apply(world, args)
      world.settle()
    }),
    { numRuns: 500 }
  )
})
