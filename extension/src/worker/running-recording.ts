import { MAX_RECORDED_STREAMS, RECORDING_LINE_BYTES } from '../protocol/constants'
import type { StreamHeaders, StreamStart } from '../protocol/native'
import type { RecordingLine } from '../protocol/recording'
import type { KeptRecording, RecordingStore } from '../recording/store'
import type { ObservedStream, Piece, StreamEnding } from './observer'
import { plainBytes, RecordedTrack, type RequestHead } from './recorded-track'

/** How long what was seen waits to be written: a worker that is killed loses no more than that. */
export const FLUSH_MS = 500

/** The same where a stream has ended: a worker that has nothing to do any more may be stopped. */
export const FLUSH_ENDED_MS = 20

/** How many bytes wait for it at most. */
export const FLUSH_BYTES = 1024 * 1024

type Work = () => RecordingLine[] | Promise<RecordingLine[]>

/** A recording that goes on: takes what its streams do at once, and writes it in batches. */
export class RunningRecording {
  readonly #store: RecordingStore
  readonly #tracks = new Map<ObservedStream, { readonly track: RecordedTrack; readonly untap: () => void }>()
  readonly #needles = new Set<string>()
  readonly #limit: number
  readonly #changed: () => void
  #kept: KeptRecording
  #queue: Work[] = []
  #queued = 0
  #timer: ReturnType<typeof setTimeout> | undefined
  /** It is the shorter one. */
  #soon = false
  #writing: Promise<void> = Promise.resolve()

  /**
   * @param limit what it may count, in all
   * @param changed is called when it is full
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

  /** A stream begins, or is joined at this offset of its response's body. `tap` has its bytes from now on. */
  begin(stream: ObservedStream, head: RequestHead, tap: () => () => void, joined?: number): void {
    if (!this.isRunning) return
    if (this.#kept.streams >= MAX_RECORDED_STREAMS) return this.#fill()
    const streams = this.#kept.streams + 1
    this.#kept = { ...this.#kept, streams }
    const track = new RecordedTrack(streams, stream, head.kind, this.#needles)
    this.#tracks.set(stream, { track, untap: tap() })
    const size = head.headers.reduce((sum, [name, value]) => sum + name.length + value.length, stream.url.length)
    this.#take(size, () => track.request(head, joined))
  }

  /** The body that came with its start. */
  body(stream: ObservedStream, { body }: Readonly<StreamStart>): void {
    const { track } = this.#tracks.get(stream) ?? {}
    if (track === undefined || body.kind !== 'inline') return
    const { data } = body
    this.#take(data.length, () => track.bytes('up', stream.startedAt, Uint8Array.fromBase64(data)))
  }

  headers(stream: ObservedStream, head: Readonly<StreamHeaders>, at: number): void {
    const { track } = this.#tracks.get(stream) ?? {}
    if (track !== undefined) this.#take(JSON.stringify(head.headers).length, () => track.response(head, at))
  }

  piece(stream: ObservedStream, piece: Piece): void {
    const { track } = this.#tracks.get(stream) ?? {}
    if (track === undefined) return
    const { way, at, data } = piece
    this.#take(data.byteLength, async () => {
      const plain = await plainBytes(piece)
      // What was compressed counts for what it is.
      this.#charge(plain.byteLength - data.byteLength)
      if (this.#kept.cost <= this.#limit) return track.bytes(way, at, plain)
      this.#fill()
      return []
    })
  }

  again(stream: ObservedStream, at: number): void {
    const { track } = this.#tracks.get(stream) ?? {}
    if (track !== undefined) this.#take(0, () => track.again(at))
  }

  ended(stream: ObservedStream, ending: StreamEnding, at: number): void {
    const { track } = this.#tracks.get(stream) ?? {}
    if (track === undefined) return
    this.#tracks.delete(stream)
    this.#add(RECORDING_LINE_BYTES, () => track.end(ending, at))
    // Not put off by each that ends.
    if (this.#soon) return
    this.#soon = true
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => void this.flush(), FLUSH_ENDED_MS)
  }

  /** Nothing more is recorded. Streams that go on have no end in it. */
  async stop(): Promise<void> {
    if (this.isRunning) this.#kept = { ...this.#kept, state: 'stopped' }
    this.#release(null)
    await this.flush()
  }

  /** Write what waits. */
  flush(): Promise<void> {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#soon = false
    const works = this.#queue
    this.#queue = []
    this.#queued = 0
    this.#writing = this.#writing.then(() => this.#write(works))
    return this.#writing
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
    this.#kept = { ...this.#kept, batches: this.#kept.batches + 1 }
    await this.#store.put(this.#kept, text)
  }

  /** Something that takes room. */
  #take(size: number, work: Work): void {
    if (!this.isRunning) return
    const cost = size + RECORDING_LINE_BYTES
    if (this.#kept.cost + cost > this.#limit) return this.#fill()
    this.#charge(cost)
    this.#add(cost, work)
  }

  #charge(cost: number): void {
    this.#kept = { ...this.#kept, cost: this.#kept.cost + cost }
  }

  #add(size: number, work: Work): void {
    this.#queue.push(work)
    this.#queued += size
    if (this.#queued >= FLUSH_BYTES) void this.flush()
    else this.#timer ??= setTimeout(() => void this.flush(), FLUSH_MS)
  }

  #fill(): void {
    if (!this.isRunning) return
    this.#kept = { ...this.#kept, state: 'full' }
    this.#release('full')
    this.#changed()
  }

  #release(ending: 'full' | null): void {
    const at = performance.now()
    for (const { track, untap } of this.#tracks.values()) {
      untap()
      this.#add(RECORDING_LINE_BYTES, () => track.end(ending, at))
    }
    this.#tracks.clear()
  }
}
