// One pull request on one document: its panel, and the run that writes its description.

import type { Editor, Reference, Site, WritingEvent } from './model'
import { Panel } from './panel/panel'
import { Run, type RunParts } from './run/run'

/** How often a panel that the page took away is put back. A page that does not want it there has it so in the end. */
export const MAX_RETURNS = 20

/** What a visit stands on, beside its own page. */
export type VisitParts = Omit<RunParts, 'findEditor' | 'tell' | 'now'> & {
  /** The editor of the visit's own pull request, as it is now; null where there is none, or where the page is about another. */
  findEditor(): Editor | null
  openSettings(): void
}

export class Visit {
  readonly #site: Site
  readonly #parts: VisitParts
  readonly #panel: Panel
  #placed = false
  #returns = 0
  #run: Run | null = null

  constructor(site: Site, parts: VisitParts) {
    this.#site = site
    this.#parts = parts
    this.#panel = new Panel({
      start: (why, replace) => this.#start(why, replace),
      stop: () => this.#run?.stop(),
      replacesTheirs: () => {
        const editor = parts.findEditor()
        return editor?.usable() === true && editor.holdsTheirs()
      },
      text: () => this.#run?.text ?? '',
      openSettings: () => parts.openSettings()
    })
  }

  /** Put the panel where the editor is, if there is one. */
  place(): void {
    const { element } = this.#panel
    const beside = this.#site.editor(document)?.beside
    if (beside === undefined) {
      // Also while it writes: what was taken away may come back, and the run sees to that itself.
      this.#placed = false
      element.remove()
    } else if (element.parentNode === null || element.parentNode !== beside.parentNode) {
      if (this.#placed) this.#returns += 1
      if (this.#returns > MAX_RETURNS) return
      this.#placed = true
      beside.after(element)
    }
    this.#panel.matchGround()
  }

  /** The document goes, and the editor with it: what is there stays. */
  stop(): void {
    this.#run?.stop()
  }

  /** The page is about something else. Its editor is not touched any more. */
  leave(): void {
    this.#run?.abandon()
    this.#panel.remove()
  }

  #start(why: string, replace: boolean): void {
    if (this.#run?.over === false) return
    const tell = (event: WritingEvent): void => this.#panel.hear(event)
    this.#run = new Run({ ...this.#parts, tell, now: () => Date.now() }, why, replace)
  }
}

/** By what one pull request is told from another. */
export function sameReference(one: Reference, other: Reference): boolean {
  return JSON.stringify(one) === JSON.stringify(other)
}
