import type { RecordingLine } from '../protocol/recording'
import type { RecordedTrack } from './recorded-track'

/**
 * A stream's lines on their way into a recording. Whether they may be there only the head of its response says, so they wait
 * for it here, without credentials already: what a request has is known as a credential to the other streams at once.
 */
export class HeldTrack {
  readonly track: RecordedTrack
  /** It has had more to say than may wait. */
  isCut = false
  /** What it counts for so far. */
  cost = 0
  readonly #untap: () => void
  #state: 'held' | 'in' | 'out' = 'held'
  #lines: RecordingLine[] = []

  constructor(track: RecordedTrack, untap: () => void) {
    this.track = track
    this.#untap = untap
  }

  get isHeld(): boolean {
    return this.#state === 'held'
  }

  /** It may be recorded, as the stream of this number. What waits goes with the next lines. */
  letIn(number: number): void {
    this.track.number = number
    this.#state = 'in'
  }

  /** Nothing of it may be. */
  keepOut(): void {
    this.release()
    this.#state = 'out'
    this.#lines = []
  }

  /** Its bytes are not wanted any more. */
  release(): void {
    this.#untap()
  }

  /** These are its next lines. @returns those that may be written now */
  pass(lines: readonly RecordingLine[]): RecordingLine[] {
    if (this.#state === 'out') return []
    this.#lines.push(...lines)
    if (this.#state === 'held') return []
    const stream = this.track.number
    return this.#lines.splice(0).map((line) => ({ ...line, stream }))
  }
}
