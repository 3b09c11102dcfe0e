import type { Piece, StreamRecord, Update } from '../shared/dashboard'
import type { ObservedStream, Observer, Piece as TappedPiece } from './observer'

/** Plain bytes a second that a view is shown: who reads sees no difference, and the stream keeps its rate. */
export const LOOK_BYTES_PER_SECOND = 640 * 1024

/** Of a stream that is more than twice as fast nobody can follow what is shown: a sample of it does, and takes less from it. */
export const SAMPLE_BYTES_PER_SECOND = LOOK_BYTES_PER_SECOND / 4

/** Over how long it is found out how fast it is, milliseconds. */
export const PACE_MS = 500

/** What may come at once, so that an answer of an ordinary size is shown whole. */
export const LOOK_BURST_BYTES = 2 * 1_048_576

/** What a piece costs beside its bytes: it may be of one. */
const PIECE_BYTES = 64

type Direction = Piece['direction']

/**
 * The bytes of one stream, for the view that is open on it: from when it was opened, and as many as a view can take. What is
 * more is not even copied, and counted from the stream's own numbers.
 */
export class Look {
  readonly of: Exclude<Update['looked'], null>
  readonly #record: Readonly<StreamRecord>
  readonly #now: () => number
  readonly #undo: () => void
  readonly #tell: () => void
  #pieces: Piece[] = []
  #allowance = LOOK_BURST_BYTES
  #allowedAt: number
  #perSecond = LOOK_BYTES_PER_SECOND
  /** Since when, and how much had passed then. */
  readonly #paced: { at: number; bytes: number }
  /** Up to where the view has been told of bytes. */
  readonly #told: { in: number; out: number }

  /** @param now on the wall clock, milliseconds */
  constructor(
    stream: ObservedStream,
    record: Readonly<StreamRecord>,
    observer: Pick<Observer, 'tap'>,
    now: () => number,
    tell: () => void
  ) {
    const { id, received, sent } = record
    this.of = { stream: id, received, sent }
    this.#record = record
    this.#told = { in: received, out: sent }
    this.#now = now
    this.#allowedAt = now()
    this.#paced = { at: this.#allowedAt, bytes: received + sent }
    this.#tell = tell
    this.#undo = observer.tap(
      stream,
      (_, piece) => this.#add(piece),
      () => this.#wants()
    )
  }

  get waiting(): boolean {
    return this.#pieces.length > 0
  }

  take(): Piece[] {
    this.#miss('in', this.#record.received)
    this.#miss('out', this.#record.sent)
    const pieces = this.#pieces
    this.#pieces = []
    return pieces
  }

  close(): void {
    this.#undo()
  }

  #wants(): boolean {
    const now = this.#now()
    const more = ((now - this.#allowedAt) * this.#perSecond) / 1000
    this.#allowedAt = now
    if (now - this.#paced.at >= PACE_MS) this.#pace(now)
    this.#allowance = Math.min(LOOK_BURST_BYTES, this.#allowance + more)
    return this.#allowance > 0
  }

  #pace(now: number): void {
    const bytes = this.#record.received + this.#record.sent
    const perSecond = ((bytes - this.#paced.bytes) * 1000) / (now - this.#paced.at)
    this.#perSecond = perSecond > 2 * LOOK_BYTES_PER_SECOND ? SAMPLE_BYTES_PER_SECOND : LOOK_BYTES_PER_SECOND
    this.#paced.at = now
    this.#paced.bytes = bytes
  }

  #add({ way, data, encoding, size }: TappedPiece): void {
    // Another tap wanted it.
    if (this.#allowance <= 0) return
    const direction = way === 'down' ? 'in' : 'out'
    const end = direction === 'in' ? this.#record.received : this.#record.sent
    // Behind the end of the body there are no more numbers: what still comes is nobody's.
    this.#miss(direction, end - size)
    this.#told[direction] = Math.max(end, this.#told[direction])
    this.#allowance -= size + PIECE_BYTES
    const piece = { direction, at: this.#now(), size, data } as const
    this.#pieces.push(encoding === undefined ? piece : { ...piece, encoding })
    this.#tell()
  }

  /** What went by unseen up to here. */
  #miss(direction: Direction, end: number): void {
    const size = end - this.#told[direction]
    if (size <= 0) return
    this.#told[direction] = end
    this.#pieces.push({ direction, at: this.#now(), size, data: null })
  }
}
