import type { Piece, StreamRecord, Update } from '../shared/dashboard'
import type { ObservedStream, Observer, Piece as TappedPiece } from './observer'

/** Bytes, as they are carried, that one update shows: 2.5 MB/s, for the rest went by too fast to be read by anybody. */
export const LOOK_BYTES = 256 * 1024

/** Pieces of one update: what is beyond is counted together with the last. */
export const LOOK_PIECES = 4_096

/** The bytes of one stream, for the view that is open on it: from when it was opened, and as many as a view can take. */
export class Look {
  readonly of: Exclude<Update['looked'], null>
  readonly #now: () => number
  readonly #undo: () => void
  readonly #tell: () => void
  #pieces: Piece[] = []
  #bytes = 0

  constructor(
    stream: ObservedStream,
    { id, received, sent }: Readonly<StreamRecord>,
    observer: Pick<Observer, 'tap'>,
    now: () => number,
    tell: () => void
  ) {
    this.of = { stream: id, received, sent }
    this.#now = now
    this.#tell = tell
    this.#undo = observer.tap(stream, (_, piece) => this.#add(piece))
  }

  get waiting(): boolean {
    return this.#pieces.length > 0
  }

  take(): Piece[] {
    const pieces = this.#pieces
    this.#pieces = []
    this.#bytes = 0
    return pieces
  }

  close(): void {
    this.#undo()
  }

  #add({ way, data, encoding }: TappedPiece): void {
    const shown = this.#bytes + data.byteLength <= LOOK_BYTES && this.#pieces.length < LOOK_PIECES
    const size = data.byteLength
    const direction = way === 'down' ? 'in' : 'out'
    this.#bytes += size
    const at = this.#now()
    const last = this.#pieces.at(-1)
    if (!shown && last?.data === null && last.direction === direction) {
      this.#pieces[this.#pieces.length - 1] = { ...last, size: last.size + size }
    } else {
      const piece = { direction, at, size, data: shown ? data : null } as const
      this.#pieces.push(encoding === undefined || !shown ? piece : { ...piece, encoding })
    }
    this.#tell()
  }
}
