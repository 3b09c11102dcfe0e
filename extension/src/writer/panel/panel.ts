// The writer's own, beside the editor: in a closed shadow root, which neither the page's scripts nor its sheets get into.

import type { WritingEvent } from '../model'
import { guardEvents } from './guard'
import { ASKS, heard, IDLE, isRunning, mayStart, type PanelState, viewOf } from './model'
import { schemeAt } from './scheme'
import { STYLE } from './style'

/** How often a countdown is drawn. */
const COUNT_MS = 250

/** As much as anybody says of a change; the template puts it into one line. */
const WHY_LENGTH = 1_000

/** What a person can do here. */
export interface PanelActions {
  /**
   * @param why what the person says of the change; may be empty
   * @param replace whether they agreed that words of theirs may go
   */
  start(why: string, replace: boolean): void
  stop(): void
  /** Whether words that the writer did not write stand where it would write now. */
  replacesTheirs(): boolean
  /** What was written last. */
  text(): string
  openSettings(): void
}

/** One panel, for one pull request on one document. */
export class Panel {
  /** To be put into the page. */
  readonly element: HTMLElement
  readonly #actions: PanelActions
  readonly #parts: Parts
  readonly #aborter = new AbortController()
  #state: PanelState = IDLE
  #count: ReturnType<typeof setInterval> | undefined

  constructor(actions: PanelActions) {
    this.#actions = actions
    this.element = document.createElement('div')
    const root = this.element.attachShadow({ mode: 'closed' })
    const sheet = new CSSStyleSheet()
    sheet.replaceSync(STYLE)
    root.adoptedStyleSheets = [sheet]
    this.#parts = new Parts(root)
    const { signal } = this.#aborter
    // Outside of the root its focus is this element's. Who takes the focus for a moment, as an editor that is written in has to,
    // gives it back to this element.
    let focused: HTMLElement = this.#parts.start
    root.addEventListener('focusin', ({ target }) => {
      focused = target as HTMLElement
    })
    this.element.focus = (options) => focused.focus(options)
    guardEvents(this.element, signal)
    const { start, stop, replace, keep, copy, settings } = this.#parts
    const pressed = (button: HTMLElement, act: () => void): void =>
      button.addEventListener(
        'click',
        // A script's click is none: it would spend a person's budget.
        (event) => {
          if (event.isTrusted) act()
        },
        { signal }
      )
    pressed(start, () => this.#begin(false))
    pressed(replace, () => this.#begin(true))
    pressed(keep, () => this.#ask(false))
    pressed(stop, () => this.#actions.stop())
    pressed(copy, () => void this.#copy())
    pressed(settings, () => this.#actions.openSettings())
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.matchGround(), { signal })
    this.#draw()
  }

  /** Of the run that this panel shows. */
  hear(event: WritingEvent): void {
    this.#state = heard(this.#state, event, Date.now())
    if (event.type === 'failed') this.#countDown()
    this.#draw()
  }

  /** Light or dark, as what it stands on. */
  matchGround(): void {
    if (this.element.parentElement !== null) this.element.dataset['scheme'] = schemeAt(this.element.parentElement)
  }

  /** Out of the page, and never again. */
  remove(): void {
    this.#aborter.abort()
    clearInterval(this.#count)
    this.element.remove()
  }

  #begin(replace: boolean): void {
    if (!mayStart(this.#state, Date.now())) return
    if (!replace && this.#actions.replacesTheirs()) {
      this.#ask(true)
      return
    }
    clearInterval(this.#count)
    this.#state = { ...this.#state, asks: false }
    this.#actions.start(this.#parts.why.value.trim(), replace)
    this.#parts.stop.focus()
  }

  #ask(asks: boolean): void {
    this.#state = { ...this.#state, asks }
    this.#draw()
    ;(asks ? this.#parts.keep : this.#parts.start).focus()
  }

  async #copy(): Promise<void> {
    const { copy } = this.#parts
    try {
      await navigator.clipboard.writeText(this.#actions.text())
      setText(copy, 'Copied')
    } catch {
      setText(copy, 'The browser refused: press again')
    }
  }

  #countDown(): void {
    clearInterval(this.#count)
    if (this.#state.retryAt === null) return
    this.#count = setInterval(() => {
      if (mayStart(this.#state, Date.now())) clearInterval(this.#count)
      this.#draw()
    }, COUNT_MS)
  }

  #draw(): void {
    const parts = this.#parts
    const view = viewOf(this.#state, Date.now())
    // A button that goes takes the focus along; the one that comes in its place gets it.
    const hadFocus = parts.focused() === parts.stop
    parts.start.hidden = view.start === null
    setText(parts.start, view.start?.text ?? '')
    parts.start.ariaDisabled = view.start?.enabled === false ? 'true' : 'false'
    parts.stop.hidden = !view.stop
    parts.question.hidden = !view.asks
    parts.progress.hidden = view.line === ''
    parts.progress.dataset['tone'] = view.tone
    setText(parts.line, view.line)
    setText(parts.figures, view.figures)
    parts.stats.hidden = view.stats === null
    setText(parts.added, view.stats?.added ?? '')
    setText(parts.deleted, view.stats?.deleted ?? '')
    setText(parts.files, view.stats?.files ?? '')
    parts.showNotes(view.notes)
    parts.copy.hidden = !view.copy
    if (isRunning(this.#state)) setText(parts.copy, 'Copy the text')
    setText(parts.spoken, view.spoken)
    if (hadFocus && parts.stop.hidden) parts.start.focus()
  }
}

/** The elements in the panel. */
class Parts {
  readonly #root: ShadowRoot
  readonly start = button('Write description', 'primary')
  readonly stop = button('Stop')
  readonly why = document.createElement('input')
  readonly settings = button('Settings', 'plain')
  readonly replace = button('Replace it', 'primary')
  readonly keep = button('Keep mine')
  readonly question = element('div', 'row', element('p', '', ASKS), this.replace, this.keep)
  readonly line = element('span', 'line')
  readonly figures = element('span', 'figures')
  readonly progress = element('p', 'progress', this.line, this.figures)
  readonly added = element('span', 'added')
  readonly deleted = element('span', 'deleted')
  readonly files = element('span', 'files')
  readonly stats = element('p', 'stats', this.added, ' ', this.deleted, ' ', this.files)
  readonly notes = element('ul', 'notes')
  readonly copy = button('Copy the text')
  readonly spoken = element('p', 'unseen')

  constructor(root: ShadowRoot) {
    this.#root = root
    this.why.type = 'text'
    this.why.maxLength = WHY_LENGTH
    this.why.autocomplete = 'off'
    this.why.placeholder = 'what the diff does not say'
    this.settings.ariaLabel = 'Settings of the writer'
    this.spoken.role = 'status'
    const row = element('div', 'row', this.start, this.stop, element('label', '', 'Why?', this.why), this.settings)
    const group = element(
      'section',
      'longwire',
      row,
      this.question,
      this.progress,
      this.stats,
      this.notes,
      this.copy,
      this.spoken
    )
    group.role = 'group'
    group.ariaLabel = 'Longwire writes the description'
    // A button as wide as its text, in a grid.
    this.copy.style.justifySelf = 'start'
    root.append(group)
  }

  focused(): Element | null {
    return this.#root.activeElement
  }

  showNotes(notes: readonly string[]): void {
    this.notes.hidden = notes.length === 0
    const shown = Array.from(this.notes.children, ({ textContent }) => textContent)
    if (shown.join('\n') === notes.join('\n')) return
    this.notes.replaceChildren(...notes.map((note) => element('li', '', note)))
  }
}

function element<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  className: string,
  ...content: (Node | string)[]
): HTMLElementTagNameMap[Tag] {
  const made = document.createElement(tag)
  if (className !== '') made.className = className
  made.append(...content)
  return made
}

function button(text: string, className = ''): HTMLButtonElement {
  const made = element('button', className, text)
  // In a form of the site's, any other would send it. (No form reaches into a shadow root; this does not depend on it.)
  made.type = 'button'
  return made
}

/** Only if it differs: what does not change is not read out again, and its selection stays. */
function setText(target: HTMLElement, text: string): void {
  if (target.textContent !== text) target.textContent = text
}
