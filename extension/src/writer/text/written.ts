// The line that is written, with what its end means for what comes next.

const LINK = /:\/\/|www\./i
/** Of what begins a link, so many characters may stand at the end of one piece. */
const LONGEST = 3

export class Written {
  readonly #pieces: string[] = []
  #end = ''
  /** Whether an address without brackets goes on: up to the next space, over backticks too (GitHub Flavored Markdown 6.9). */
  #inLink = false
  /** How many places were changed. */
  count = 0

  text(): string {
    return this.#pieces.join('')
  }

  plain(piece: string): void {
    if (piece === '') return
    this.#pieces.push(piece)
    const run = /\S*$/.exec(piece.slice(lastSpace(piece) + 1))?.[0] ?? ''
    const goesOn = run.length === piece.length
    this.#inLink = (goesOn && this.#inLink) || LINK.test(goesOn ? this.#end + run : run)
    this.#end = (this.#end + piece).slice(-LONGEST)
  }

  /** A span of code as it is: no backtick in front may seem one of its own, no backslash hide it, no link go on over it. */
  span(code: string): void {
    if (this.#inLink || /[`\\]$/.test(this.#end)) this.plain(' ')
    this.plain(code)
  }

  /** In a span of code of its own, which no link has as its address. */
  neutral(found: string): void {
    this.count += 1
    this.#unlink()
    this.span(`\`${found}\``)
  }

  #unlink(): void {
    const [, opening] = /\](\(<?)$/.exec(this.#end) ?? []
    if (opening === undefined) return
    const last = this.#pieces.pop() ?? ''
    const rest = last.length < opening.length ? this.text() + last : last
    if (rest !== last) this.#pieces.length = 0
    this.#pieces.push(rest.slice(0, -opening.length))
    this.#end = this.#end.slice(0, -opening.length)
    this.plain(' (')
  }
}

function lastSpace(text: string): number {
  for (let at = text.length - 1; at >= 0; at -= 1) if (/\s/.test(text.charAt(at))) return at
  return -1
}
