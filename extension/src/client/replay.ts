import { StreamError } from './errors'
import type { StreamEvent } from './event-payload'

/**
 * Keeps a request that is sent again from the beginning from showing twice what was shown.
 *
 * The events of the new answer are dropped as long as they are those that were delivered, and checked against a digest of
 * them: if the answer is another, no continuation would make sense. Pieces of plain text, which may be cut elsewhere the
 * second time, are counted by characters, all others by events.
 */
export class Replay {
  #delivered = 0
  #digest = new Digest()
  /** Of the present attempt, while it repeats. */
  #repeated: { seen: number; digest: Digest } | null = null

  /** What comes now has been delivered already. */
  get repeating(): boolean {
    return this.#repeated !== null
  }

  /** The next attempt begins from the beginning, or where `reach` was called last. */
  restart(): void {
    if (this.#delivered > 0) this.#repeated = { seen: 0, digest: new Digest() }
  }

  /**
   * What was delivered up to here never comes again.
   *
   * @returns whether anything was
   */
  reach(): boolean {
    const reached = this.#delivered > 0
    this.forget()
    return reached
  }

  /** All that was delivered is taken back. */
  forget(): void {
    this.#repeated = null
    this.#delivered = 0
    this.#digest = new Digest()
  }

  /** What of an event is new, null if nothing is. @throws {StreamError} REPLAY_DIFFERS */
  pass(event: StreamEvent, plainText: boolean): StreamEvent | null {
    const repeated = this.#repeated
    if (repeated === null) {
      this.#note(event, plainText)
      return event
    }
    const missing = this.#delivered - repeated.seen
    const old = plainText ? event.raw.slice(0, missing) : event.raw
    repeated.seen += plainText ? old.length : 1
    repeated.digest.add(old, plainText ? '' : event.name)
    if (repeated.seen < this.#delivered) return null
    if (repeated.digest.value !== this.#digest.value) throw differs()
    this.#repeated = null
    const rest = event.raw.slice(old.length)
    if (rest === '') return null
    const fresh = { ...event, data: rest, text: rest, raw: rest }
    this.#note(fresh, plainText)
    return fresh
  }

  /** The answer is at its end. @throws {StreamError} REPLAY_DIFFERS: sooner than the last one */
  end(): void {
    if (this.#repeated !== null) throw differs()
  }

  #note(event: StreamEvent, plainText: boolean): void {
    this.#delivered += plainText ? event.raw.length : 1
    this.#digest.add(event.raw, plainText ? '' : event.name)
  }
}

function differs(): StreamError {
  const text =
    'The server gave another answer to the repeated request, and what it said first has been delivered already'
  return new StreamError('REPLAY_DIFFERS', text)
}

/** 53 bits over text, in two lanes of 32: to tell one answer from another, not to withstand anybody. */
class Digest {
  #a = 0x9e3779b9
  #b = 0x85ebca6b

  get value(): number {
    return (this.#b & 0x1fffff) * 2 ** 32 + (this.#a >>> 0)
  }

  /** Of plain text the name is empty, and where one piece ends and the next begins makes no difference. */
  add(text: string, name: string): void {
    for (let i = 0; i < text.length; i++) this.#mix(text.charCodeAt(i))
    if (name === '') return
    for (let i = 0; i < name.length; i++) this.#mix(name.charCodeAt(i))
    this.#mix(0x10000)
  }

  #mix(code: number): void {
    this.#a = Math.imul(this.#a ^ code, 0x01000193)
    this.#b = Math.imul(this.#b ^ code, 0x5bd1e995) ^ (this.#b >>> 15)
  }
}
