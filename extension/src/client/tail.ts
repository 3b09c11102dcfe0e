/** Characters, unless the caller says otherwise: half of what one string of V8's can hold. */
const MOST = 2 ** 28

/** The end of a text that grows. */
export class Tail {
  readonly #limit: number
  #text = ''

  /**
   * @param keep all, none, or the newest so many characters
   * @throws {TypeError} a number that is none
   */
  constructor(keep: boolean | number = true) {
    if (typeof keep === 'number' && !(keep >= 0)) throw new TypeError(`\`keepText\` cannot be ${keep}`)
    this.#limit = Math.min(keep === true ? MOST : Number(keep), MOST)
  }

  get value(): string {
    return this.#text.length > this.#limit ? this.#cut() : this.#text
  }

  add(text: string): void {
    if (this.#limit === 0) return
    this.#text += text
    // Not with every piece: cutting copies.
    if (this.#text.length > 1.5 * this.#limit) this.#text = this.#cut()
  }

  clear(): void {
    this.#text = ''
  }

  #cut(): string {
    const start = Math.ceil(this.#text.length - this.#limit)
    const code = this.#text.charCodeAt(start)
    // The second half of a character is none.
    return this.#text.slice(code >= 0xdc00 && code <= 0xdfff ? start + 1 : start)
  }
}
