// Whatever the order in which things happen: every stream has one end on each side, and its items arrive in order, once.

import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Core } from '../../src/rpc/core'
import { RpcError } from '../../src/rpc/errors'
import type { CoreEvent } from '../../src/rpc/link'
import { times } from '../effort'

const OPTIONS = {
  window: 300,
  maxMessageBytes: 10_000,
  maxStreams: 100,
  maxRequests: 100,
  maxUnclaimedBytes: 10_000,
  unclaimedTimeout: 1000,
  maxPlainBytes: 100_000,
  helloTimeout: 1000,
  resumeTimeout: 1000,
  deflate: false
}
const IDS = ['a', 'b', 'c']

/** One stream of one side, as its user sees it. */
interface Seen {
  given: number
  sent: (RpcError | null)[]
  claimed: boolean
  taken: number[]
  ends: (RpcError | null)[]
  left: boolean
}

/** Two sides and a network between them that delivers when it is told to. */
class World {
  readonly cores: [Core, Core]
  readonly wires: [(string | Uint8Array)[], (string | Uint8Array)[]] = [[], []]
  /** By sender and id; a new one whenever the id is used again. */
  readonly streams: Seen[] = []
  readonly #current: [Map<string, Seen>, Map<string, Seen>] = [new Map(), new Map()]
  #sent = 0
  now = 0
  connected = false

  constructor(resumable: boolean) {
    const make = (role: 'connect' | 'accept', token: string) => new Core({ ...OPTIONS, role, token, resumable })
    this.cores = [make('connect', 'c'), make('accept', 's')]
    this.connect()
  }

  connect(): void {
    if (this.connected || this.cores.some(({ state }) => state === 'closed')) return
    this.connected = true
    this.wires[0].length = this.wires[1].length = 0
    this.cores[0].opened(this.now)
    // As the shell does: the side that kept its streams waits for the other's hello.
    if (this.cores[1].state !== 'detached') this.cores[1].opened(this.now)
  }

  cut(final: boolean): void {
    if (!this.connected) return
    this.connected = false
    for (const core of this.cores) core.closed(1006, '', final, this.now)
    this.events()
  }

  pump(): void {
    if (!this.connected) return
    for (const side of [0, 1] as const) {
      for (let next = this.cores[side].next(true, this.now); next; next = this.cores[side].next(true, this.now)) {
        this.wires[side].push(next.data)
        this.#sent++
      }
    }
  }

  /** The next message of that side arrives. */
  deliver(side: 0 | 1): void {
    const data = this.wires[side].shift()
    const other = this.cores[side === 0 ? 1 : 0]
    if (data === undefined || !this.connected) return
    if (other.state !== 'detached') other.receive(data, this.now)
    else this.#comeBack(other, data)
    this.events()
  }

  /** As the shell does: who kept nothing asks for nothing, and what was kept for it is over in time. */
  #comeBack(kept: Core, hello: string | Uint8Array): void {
    const { longwire } = JSON.parse(hello as string)
    if (longwire.resume !== undefined) return kept.resume(longwire, this.now)
    kept.tick(this.now + OPTIONS.resumeTimeout)
    this.events()
    kept.opened(this.now)
    kept.receive(hello, this.now)
  }

  events(): void {
    for (const side of [0, 1] as const) for (const event of this.cores[side].events()) this.#on(side, event)
  }

  #on(side: 0 | 1, event: CoreEvent): void {
    if (event.type === 'sent') this.#current[side].get(event.streamId)?.sent.push(event.error)
    if (event.type === 'close' || event.type === 'violation') throw new Error(JSON.stringify(event))
    // A connection that was answered anew has no streams to resume.
    if (event.type === 'resume-asked') this.cores[side].refuseResume(this.now)
  }

  open(side: 0 | 1, id: string): void {
    const before = this.#current[side].get(id)
    // An id is used again when both sides are done with it.
    if (before !== undefined && (before.sent.length === 0 || (before.ends.length === 0 && !before.left))) return
    const seen: Seen = { given: 0, sent: [], claimed: false, taken: [], ends: [], left: false }
    try {
      this.cores[side].open(id, {})
    } catch {
      return
    }
    this.#current[side].set(id, seen)
    this.streams.push(seen)
  }

  push(side: 0 | 1, id: string): void {
    const seen = this.#current[side].get(id)
    if (seen === undefined || !this.cores[side].wants(id)) return
    this.cores[side].push(id, String(seen.given++), this.now)
  }

  end(side: 0 | 1, id: string, how: 'end' | 'fail' | 'abort'): void {
    if (how === 'abort') this.cores[side].abort(id, new RpcError('ABORTED'))
    else this.cores[side].end(id, how === 'end' ? null : new RpcError('X', 'x'))
  }

  claim(side: 0 | 1, id: string): void {
    const seen = this.#current[side === 0 ? 1 : 0].get(id)
    if (seen === undefined || seen.claimed) return
    seen.claimed = true
    try {
      this.cores[side].claim(id, 400)
    } catch {
      seen.left = true
    }
  }

  take(side: 0 | 1, id: string): void {
    const seen = this.#current[side === 0 ? 1 : 0].get(id)
    if (!seen?.claimed || seen.left) return
    const taken = this.cores[side].take(id)
    if (taken === undefined) return
    if ('item' in taken) seen.taken.push(taken.item as number)
    else seen.ends.push(taken.end)
  }

  cancel(side: 0 | 1, id: string): void {
    const seen = this.#current[side === 0 ? 1 : 0].get(id)
    if (!seen?.claimed || seen.left || seen.ends.length > 0) return
    seen.left = true
    this.cores[side].cancel(id)
  }

  /** Everything that is on its way arrives, and everything that can be read is. */
  settle(): void {
    for (let before = ''; ; ) {
      this.pump()
      for (const side of [0, 1] as const) {
        while (this.connected && this.wires[side].length > 0) this.deliver(side)
        for (const id of IDS) for (let i = 0; i < 50; i++) this.take(side, id)
      }
      // A round in which nothing was sent, nothing read and nothing ended is the last one.
      const after = JSON.stringify([this.#sent, this.streams])
      if (after === before) return
      before = after
    }
  }
}

const side = fc.constantFrom<0 | 1>(0, 1)
const id = fc.constantFrom(...IDS)
const action = fc.oneof(
  { weight: 3, arbitrary: fc.record({ do: fc.constant('open' as const), side, id }) },
  { weight: 8, arbitrary: fc.record({ do: fc.constant('push' as const), side, id }) },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constantFrom('end' as const, 'fail' as const, 'abort' as const), side, id })
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('claim' as const), side, id }) },
  { weight: 8, arbitrary: fc.record({ do: fc.constant('take' as const), side, id }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('cancel' as const), side, id }) },
  { weight: 12, arbitrary: fc.record({ do: fc.constant('deliver' as const), side, id }) },
  { weight: 5, arbitrary: fc.record({ do: fc.constant('pump' as const), side, id }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom('cut' as const, 'connect' as const), side, id }) }
)

test.each([
  [true, 'and streams go on over the next connection'],
  [false, 'and streams end with their connection']
])('every stream has one end on each side, in whatever order (%s: %s)', (resumable) => {
  fc.assert(
    fc.property(fc.array(action, { maxLength: 150 }), (actions) => {
      const world = new World(resumable)
      for (const each of actions) {
        if (each.do === 'cut') world.cut(false)
        else if (each.do === 'connect') world.connect()
        else if (each.do === 'deliver') world.deliver(each.side)
        else if (each.do === 'pump') world.pump()
        else if (each.do === 'end' || each.do === 'fail' || each.do === 'abort') world.end(each.side, each.id, each.do)
        else world[each.do](each.side, each.id)
        world.events()
      }
      world.connect()
      world.settle()
      for (const { given, taken, ends, sent, left } of world.streams) {
        // In order, and once.
        expect(taken).toEqual([...Array(taken.length).keys()])
        expect(taken.length).toBeLessThanOrEqual(given)
        // What ends in order is whole.
        if (ends[0] === null) expect(taken.length).toBe(given)
        if (sent[0] === null && !left && ends.length > 0) expect(ends[0]).toBeNull()
      }
      // What both sides are done with comes to its end: no credit is lost.
      for (const side of [0, 1] as const) {
        for (const id of IDS) {
          world.claim(side, id)
          world.end(side, id, 'end')
        }
      }
      world.settle()
      expect(world.streams.map(({ sent }) => sent.length)).toEqual(world.streams.map(() => 1))
      world.cut(true)
      world.settle()
      for (const { claimed, ends, sent, left } of world.streams) {
        expect(sent).toHaveLength(1)
        if (claimed && !left) expect(ends).toHaveLength(1)
        else expect(ends).toHaveLength(0)
      }
      for (const core of world.cores) {
        expect(core.counts).toEqual({ outgoing: 0, incoming: 0, requests: 0, unclaimedBytes: 0, closedIds: 0 })
      }
    }),
    { numRuns: times(1500, 500) }
  )
})
