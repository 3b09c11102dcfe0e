import { isError, PayloadReader } from './event-payload'

/** Characters of one text that is looked at. */
const LIMIT = 16 * 1024

const LINE_WITH_BRACE = /[\r\n]\{/g
const BLANK_LINE = /\n\n|\r\r|\n\r/g

/**
 * Finds errors that are JSON between the events of a stream, or in place of them, as servers and proxies write where they
 * forget what the answer is. The standard skips such lines, and they are what says why nothing follows.
 */
export class BareErrors {
  /** From the brace on. */
  #block: string | null = null
  #atLineStart = true

  /** The next of them, and where in `text` it ends. */
  find(text: string, from: number): { readonly json: string; readonly end: number } | null {
    for (let start = from; start < text.length; ) {
      if (this.#block === null) {
        start = this.#begin(text, start)
        if (start === text.length) break
      }
      const before: string = this.#block ?? ''
      const block = before + text.slice(start)
      BLANK_LINE.lastIndex = Math.max(0, before.length - 1)
      const ends = BLANK_LINE.exec(block) !== null
      const length = ends ? BLANK_LINE.lastIndex : block.length
      this.#block = ends || length > LIMIT ? null : block
      this.#atLineStart = endsLine(block.slice(0, length))
      start += length - before.length
      if (ends && isErrorText(block.slice(0, length))) return { json: block.slice(0, length).trim(), end: start }
    }
    return null
  }

  /** The last of them, at the end of the stream. */
  end(): string | null {
    return this.#block !== null && isErrorText(this.#block) ? this.#block.trim() : null
  }

  /** Where the next block begins, the end of the text if none does. */
  #begin(text: string, from: number): number {
    if (this.#atLineStart && text[from] === '{') return from
    LINE_WITH_BRACE.lastIndex = from
    const found = LINE_WITH_BRACE.exec(text)
    this.#atLineStart = endsLine(text)
    return found === null ? text.length : found.index + 1
  }
}

function endsLine(text: string): boolean {
  return text.endsWith('\n') || text.endsWith('\r')
}

function isErrorText(text: string): boolean {
  // Before it is parsed: garbage is not to cost what events do.
  if (!text.includes('"error"') || !text.trimEnd().endsWith('}')) return false
  const event = new PayloadReader('sse', 'auto').read({ event: 'message', data: text.trim(), id: '' })
  return isError(event) && event.data !== event.raw
}
