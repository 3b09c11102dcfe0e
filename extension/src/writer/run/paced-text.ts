// The answer on its way into the editor: neutralised, at most every 100 ms, and only ever into the editor that it is for.

import type { Editor, LiveText } from '../model'

/** How often the text in the editor changes: each change makes a rich editor lay out anew. */
export const SHOW_EVERY_MS = 100

/** How long a site may take to put its editor back after it made its page anew. */
export const RENDER_GRACE_MS = 1_000

/** Makes a text harmless on its site; safe on any beginning of one. */
export type Neutralise = (text: string) => { readonly text: string; readonly count: number }

export interface PacedTextParts {
  /** The editor that the text is for, as it is now; null where there is none, or where the page is about something else. */
  find(): Editor | null
  /** Whether a person agreed that words of theirs may go: `Editor.write`. */
  readonly replace: boolean
  neutralise: Neutralise
  /** So many places were made harmless so far. */
  neutralised(count: number): void
  /** The editor is gone for good. Nothing is shown after that. */
  gone(): void
  now(): number
}

/** Takes an answer as it comes. Nothing is shown before the first of it. */
export class PacedText {
  readonly #parts: PacedTextParts
  #editor: Editor | null = null
  #live: LiveText | null = null
  /** Whether it was found a second time: a page that takes its editor away again and again is not followed. */
  #foundAgain = false
  #lostAt: number | null = null
  #raw = ''
  #shown = ''
  #shownAt = Number.NEGATIVE_INFINITY
  #timer: ReturnType<typeof setTimeout> | undefined
  #over = false

  constructor(parts: PacedTextParts) {
    this.#parts = parts
  }

  /** All of it, as it is or would be in the editor. */
  get text(): string {
    return this.#parts.neutralise(this.#raw).text
  }

  /** More of it. */
  add(text: string): void {
    if (this.#over || text === '') return
    this.#raw += text
    if (this.#timer !== undefined) return
    const wait = this.#shownAt + SHOW_EVERY_MS - this.#parts.now()
    // A tab in the background has its timers once a second; its answer still comes in time.
    if (wait <= 0) this.#show()
    else this.#arm(wait)
  }

  /**
   * That was all of it, or all that is wanted: show it and close the step that undo takes back.
   *
   * @returns false if it cannot be shown, since the editor is gone
   */
  finish(): boolean {
    if (this.#over) return this.#lostAt === null
    clearTimeout(this.#timer)
    if (this.#raw !== '') this.#show()
    // Whether or not there is time left for the site: the run is over.
    if (this.#lostAt !== null) {
      this.drop()
      return false
    }
    this.#over = true
    clearTimeout(this.#timer)
    this.#live?.finish()
    return true
  }

  /** Never touch the editor again: it may be another one's by now. */
  drop(): void {
    this.#over = true
    clearTimeout(this.#timer)
  }

  #arm(wait: number): void {
    this.#timer = setTimeout(() => this.#show(), wait)
  }

  #show(): void {
    this.#timer = undefined
    const live = this.#liveText()
    if (live === null) return
    const { text, count } = this.#parts.neutralise(this.#raw)
    this.#shownAt = this.#parts.now()
    if (text !== this.#shown) {
      this.#shown = text
      live.show(text)
    }
    this.#parts.neutralised(count)
  }

  #liveText(): LiveText | null {
    // Asked each time, also where the element is still there: a site may use it for its next page.
    const editor = this.#parts.find()
    if (this.#live !== null && this.#editor !== null && editor !== null && this.#editor.usable()) {
      this.#lostAt = null
      return this.#live
    }
    if (editor === null || !editor.usable()) return this.#lost()
    if (this.#live !== null) {
      if (this.#foundAgain) return this.#lost(true)
      this.#foundAgain = true
    }
    this.#lostAt = null
    this.#editor = editor
    this.#shown = ''
    // They agreed to what they saw: what a page that was made anew has, they may have put there since.
    this.#live = editor.write(this.#parts.replace && this.#live === null)
    return this.#live
  }

  #lost(forGood = false): null {
    const now = this.#parts.now()
    this.#lostAt ??= now
    if (forGood || now - this.#lostAt >= RENDER_GRACE_MS) {
      this.drop()
      this.#parts.gone()
    } else if (!this.#over) {
      this.#arm(SHOW_EVERY_MS)
    }
    return null
  }
}
