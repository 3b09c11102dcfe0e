import { MAX_RECORDED_STREAMS, RECORDING_LINE_BYTES } from '../protocol/constants'
import type { StreamHeaders, StreamStart } from '../protocol/native'
import type { RecordingLine } from '../protocol/recording'
import type { KeptRecording, RecordingStore } from '../recording/store'
import { inflated } from '../shared/inflated'
import { HeldTrack } from './held-track'
import type { ObservedStream, Piece, StreamEnding } from './observer'
import { RecordedTrack, type RequestHead } from './recorded-track'

/** How long what was seen waits to be written: a worker that is killed loses no more than that. */
export const FLUSH_MS = 500

/** The same where a stream has ended: a worker that has nothing to do any more may be stopped. */
export const FLUSH_ENDED_MS = 20

/** How many bytes wait for it at most. */
export const FLUSH_BYTES = 1024 * 1024

/** How much of streams waits for their heads at most, all together. What goes beyond it is as a stream in a full recording. */
export const HELD_BYTES = 8 * 1024 * 1024

type Work = () => RecordingLine[] | Promise<RecordingLine[]>

/**
 * A recording that goes on: takes what its streams do at once, and writes it in batches. A stream is in it from the head of
 * its response on, which says whether it may be, with what came before; one that ends without a head at its end.
 */
export class RunningRecording {
  readonly #store: RecordingStore
  readonly #tracks = new Map<ObservedStream, HeldTrack>()
  readonly #needles = new Set<string>()
  readonly #limit: number
  readonly #changed: () => void
  #kept: KeptRecording
  #begun = false
  #queue: Work[] = []
  #queued = 0
  /** What those that wait for their heads count for. */
  #held = 0
  #timer: ReturnType<typeof setTimeout> | undefined
  /** It is the shorter one. */
  #soon = false
  #writing: Promise<void> = Promise.resolve()
  /** Lines that the store did not take: with the next it is asked again. */
  #unwritten = ''

  /**
   * @param limit what it may count, in all
   * @param changed is called when it is full, also where the store takes no more
   */
  constructor(store: RecordingStore, kept: KeptRecording, limit: number, changed: () => void) {
    this.#store = store
    this.#kept = kept
    this.#limit = limit
    this.#changed = changed
  }

  get kept(): KeptRecording {
    return this.#kept
  }

  get isRunning(): boolean {
    return this.#kept.state === 'running'
  }

  /** It was of one stream, of which nothing more comes. */
  get isOver(): boolean {
    return this.#begun && this.#kept.origin === null && this.#tracks.size === 0
  }

  /** Of whose pages it takes something. */
  get origins(): ReadonlySet<string> {
    const own = this.#kept.origin
    const streams = [...this.#tracks.keys()].map(({ page }) => page.origin)
    return new Set(own === null ? streams : [own, ...streams])
  }

  /** A stream begins, or is joined at this offset of its response's body. `tap` has its bytes from now on. */
  begin(stream: ObservedStream, head: RequestHead, tap: () => () => void, joined?: number): void {
    if (!this.isRunning) return
    const track = new RecordedTrack(stream, head.kind, this.#needles)
    const held = new HeldTrack(track, tap())
    this.#begun = true
    this.#tracks.set(stream, held)
    const size = head.headers.reduce((sum, [name, value]) => sum + name.length + value.length, stream.url.length)
    this.#take(held, size, () => track.request(head, joined))
  }

  /** The body that came with its start. */
  body(stream: ObservedStream, { body }: Readonly<StreamStart>): void {
    const held = this.#tracks.get(stream)
    if (held === undefined || body.kind !== 'inline') return
    const { data } = body
    this.#take(held, data.length, () => held.track.bytes('up', stream.startedAt, Uint8Array.fromBase64(data)))
  }

  headers(stream: ObservedStream, head: Readonly<StreamHeaders>, at: number): void {
    const held = this.#tracks.get(stream)
    if (held === undefined || !this.#letIn(stream, held)) return
    this.#take(held, JSON.stringify(head.headers).length, () => held.track.response(head, at))
  }

  piece(stream: ObservedStream, piece: Piece): void {
    const held = this.#tracks.get(stream)
    if (held === undefined) return
    const { way, at, data, encoding } = piece
    this.#take(held, data.byteLength, async () => {
      const plain = await inflated(data, encoding)
      // What was compressed counts for what it is.
      this.#charge(plain.byteLength - data.byteLength)
      if (this.#kept.cost <= this.#limit) return held.track.bytes(way, at, plain)
      this.#fill()
      return []
    })
  }

  again(stream: ObservedStream, at: number): void {
    const held = this.#tracks.get(stream)
    if (held !== undefined) this.#take(held, 0, () => held.track.again(at))
  }

  ended(stream: ObservedStream, ending: StreamEnding, at: number): void {
    const held = this.#tracks.get(stream)
    // One without a head: nothing says that it may not be recorded, unless its page had given it up before it came.
    if (held === undefined || !this.#letIn(stream, held)) return
    this.#tracks.delete(stream)
    // Of one that ended before it was begun here, nobody else lets go.
    held.release()
    if (!held.isCut) this.#end(held, ending, at)
    // Not put off by each that ends.
    if (this.#soon) return
    this.#soon = true
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => this.#flushUnasked(), FLUSH_ENDED_MS)
  }

  /** Nothing more is recorded. Streams that go on have no end in it. */
  async stop(): Promise<void> {
    if (this.isRunning) this.#kept = { ...this.#kept, state: 'stopped' }
    this.#release(null)
    await this.flush()
  }

  /** Write what waits. Rejects with what the store says if it takes nothing: the recording is full then. */
  flush(): Promise<void> {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#soon = false
    const works = this.#queue
    this.#queue = []
    this.#queued = 0
    const written = this.#writing.then(() => this.#write(works))
    this.#writing = written.catch(() => undefined)
    return written
  }

  #flushUnasked(): void {
    this.flush().catch((error) => console.warn('Longwire: a recording could not be written', error))
  }

  async #write(works: readonly Work[]): Promise<void> {
    let text = ''
    for (const work of works) {
      try {
        for (const line of await work()) text += `${JSON.stringify(line)}\n`
      } catch (error) {
        console.warn('Longwire: some of a stream could not be recorded', error)
      }
    }
    this.#unwritten += text
    this.#kept = { ...this.#kept, batches: this.#kept.batches + 1 }
    try {
      await this.#store.put(this.#kept, this.#unwritten)
      this.#unwritten = ''
    } catch (error) {
      this.#fill()
      throw error
    }
  }

  /** @returns whether the stream is in the recording */
  #letIn(stream: ObservedStream, held: HeldTrack): boolean {
    if (!held.isHeld) return true
    if (stream.recordable === false) {
      this.#keepOut(held)
      this.#tracks.delete(stream)
      return false
    }
    // Those that wait are left out then, and this is one of them.
    if (this.#kept.streams >= MAX_RECORDED_STREAMS) this.#fill()
    if (!this.isRunning) return false
    this.#kept = { ...this.#kept, streams: this.#kept.streams + 1 }
    this.#held -= held.cost
    held.letIn(this.#kept.streams)
    // For what waits, if nothing else comes.
    this.#add(0, () => held.pass([]))
    return true
  }

  #keepOut(held: HeldTrack): void {
    held.keepOut()
    this.#held -= held.cost
    this.#charge(-held.cost)
  }

  /** Something of a stream that takes room. */
  #take(held: HeldTrack, size: number, work: Work): void {
    if (!this.isRunning || held.isCut) return
    const cost = size + RECORDING_LINE_BYTES
    if (this.#kept.cost + cost > this.#limit) return this.#fill()
    if (held.isHeld) {
      if (this.#held + cost > HELD_BYTES) return this.#cut(held)
      this.#held += cost
      held.cost += cost
    }
    this.#charge(cost)
    this.#add(cost, async () => held.pass(await work()))
  }

  #cut(held: HeldTrack): void {
    held.release()
    held.isCut = true
    this.#end(held, 'full', performance.now())
  }

  #end(held: HeldTrack, ending: StreamEnding | 'full' | null, at: number): void {
    this.#add(RECORDING_LINE_BYTES, () => held.pass(held.track.end(ending, at)))
  }

  #charge(cost: number): void {
    this.#kept = { ...this.#kept, cost: this.#kept.cost + cost }
  }

  #add(size: number, work: Work): void {
    this.#queue.push(work)
    this.#queued += size
    if (this.#queued >= FLUSH_BYTES) this.#flushUnasked()
    else this.#timer ??= setTimeout(() => this.#flushUnasked(), FLUSH_MS)
  }

  #fill(): void {
    if (!this.isRunning) return
    this.#kept = { ...this.#kept, state: 'full' }
    this.#release('full')
    this.#changed()
  }

  /** Of those whose head did not come nobody knows whether they may be recorded: they are not. */
  #release(ending: 'full' | null): void {
    const at = performance.now()
    for (const held of this.#tracks.values()) {
      held.release()
      if (held.isHeld) this.#keepOut(held)
      else if (!held.isCut) this.#end(held, ending, at)
    }
    this.#tracks.clear()
  }
}
