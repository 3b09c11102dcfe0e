/** The newest of what was added: so many, and so many bytes of them. */
export class Ring<T> {
  readonly #limits: { readonly count: number; readonly bytes: number }
  #items: (T | undefined)[] = []
  #sizes: number[] = []
  #first = 0
  #bytes = 0

  constructor(limits: { readonly count: number; readonly bytes: number }) {
    this.#limits = limits
  }

  get length(): number {
    return this.#items.length - this.#first
  }

  get bytes(): number {
    return this.#bytes
  }

  /** @returns how many of the oldest went for it */
  add(item: T, size: number): number {
    this.#items.push(item)
    this.#sizes.push(size)
    this.#bytes += size
    let gone = 0
    for (; this.length > this.#limits.count || this.#bytes > this.#limits.bytes; gone++) {
      this.#bytes -= this.#sizes[this.#first] as number
      this.#items[this.#first] = undefined
      this.#first += 1
    }
    // Once in a while, so that each costs no more than one move.
    if (this.#first > 64 && this.#first * 2 > this.#items.length) {
      this.#items = this.#items.slice(this.#first)
      this.#sizes = this.#sizes.slice(this.#first)
      this.#first = 0
    }
    return gone
  }

  /** Counted from the oldest that is there. */
  at(index: number): T | undefined {
    return this.#items[this.#first + index]
  }

  clear(): void {
    this.#items = []
    this.#sizes = []
    this.#first = this.#bytes = 0
  }

  /** The oldest first. */
  *[Symbol.iterator](): Generator<T, void, undefined> {
    for (let i = this.#first; i < this.#items.length; i++) yield this.#items[i] as T
  }
}
