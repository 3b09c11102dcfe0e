// An editor made with ProseMirror (Bitbucket's, GitLab's rich one), whose own objects are out of reach from here. What it
// listens to is enough:
//
//   selectionchange         read the selection from the document, at once, but only with the focus
//   paste                   text/plain is Markdown to both sites' editors, and never markup
//   beforeinput historyUndo the history's own, whichever keys the site has for it
//   a paragraph in its DOM  taken over as if it had been typed, also behind a list or a table, where Enter would not lead out
//
// Each text takes the place of the last one by undo and paste: then there is one step to take back, however long it took and
// however the site groups its history. An empty line that was put below the template may be a step of its own.

import type { Editor, EditorKind, LiveText } from '../model'
import { withFocus } from './focus'
import { watch, whenHandsAreFree } from './hands'
import { paragraphsOf, RichRegion, textOf } from './rich-region'
import { endIsSeen, keepingScroll } from './scroll'

/** What was written last in each editor of this document. */
let written = new WeakMap<HTMLElement, LiveRich>()
const listening = new WeakMap<HTMLElement, AbortController>()

/** Take nothing that stands in any editor for the writer's: the page is about something else from now on. */
export function forgetRich(): void {
  written = new WeakMap()
}

/** What a person does in an editor, seen before the editor sees it. */
const THEIR_DOING = ['beforeinput', 'keydown', 'paste', 'cut', 'drop', 'pointerdown'] as const
const MOVES = /^(Arrow|Page|Home$|End$|Shift$|Control$|Alt$|Meta$|Tab$|Escape$|F\d)/
/** As many steps as one text may have taken: the empty line, and the text. */
const STEPS = 2
const LINE_PX = 24

export class RichEditor implements Editor {
  readonly #dom: HTMLElement
  readonly #kind: EditorKind
  readonly #saved: HTMLInputElement | HTMLTextAreaElement | null

  /** @param saved what the site saves; without it the text is read as it is seen. */
  constructor(dom: HTMLElement, kind: EditorKind, saved: HTMLInputElement | HTMLTextAreaElement | null) {
    this.#dom = dom
    this.#kind = kind
    this.#saved = saved
  }

  read(): string {
    return this.#saved === null ? textOf(this.#dom.children, '\n\n') : this.#saved.value
  }

  usable(): boolean {
    return this.#dom.isConnected && this.#dom.isContentEditable
  }

  holdsTheirs(): boolean {
    const last = written.get(this.#dom)
    return last?.edited() === true && last.region.again() !== null
  }

  write(replace: boolean): LiveText {
    const last = replace || !this.holdsTheirs() ? written.get(this.#dom)?.region.again() : null
    return new LiveRich(this.#dom, this.#kind, last ?? RichRegion.below(this.#dom))
  }
}

class LiveRich implements LiveText {
  readonly #dom: HTMLElement
  /** Where Markdown is read by the site's server, text that is not whole yet is shown as it is. */
  readonly #rendersLate: boolean
  readonly region: RichRegion
  /** What undo has to lead back to. */
  readonly #former: string
  #shown: string | null = null
  /** The writer's text as it was before a person did something, null if nobody did since it was put there. */
  #before: string | null = null
  #edited = false
  /** Whether the person is in this editor themselves, and whether undo may lead to something of theirs. */
  #present = false
  #theirStep = false
  #wanted = ''
  #finished = false
  /** Whether what is shown has been read as Markdown. */
  #isRead = false
  /** Until the editor has taken over what was pasted last. */
  #settling = false
  readonly #listening = new AbortController()

  constructor(dom: HTMLElement, kind: EditorKind, region: RichRegion) {
    this.#dom = dom
    this.#rendersLate = kind === 'prosemirror-with-input'
    this.region = region
    this.#former = textOf(dom.children)
    listening.get(dom)?.abort()
    listening.set(dom, this.#listening)
    const { signal } = this.#listening
    for (const type of THEIR_DOING) {
      dom.addEventListener(type, (event) => event.isTrusted && this.#theirDoing(event), { signal, capture: true })
    }
    watch()
  }

  show(received: string): void {
    if (this.#finished) return
    this.#wanted = received.replace(/\r\n?/g, '\n')
    whenHandsAreFree(this, () => this.#catchUp())
  }

  /** Whether a person has changed what the writer wrote. */
  edited(): boolean {
    if (!this.#edited && this.#shown !== null) {
      this.#edited = !this.region.isThere() || (this.#before !== null && this.region.text() !== this.#before)
    }
    return this.#edited
  }

  finish(): void {
    this.#finished = true
    whenHandsAreFree(this, () => this.#catchUp())
  }

  #catchUp(): void {
    const isWhole = this.#finished || !this.#rendersLate
    if (this.#settling || ((this.#shown ?? '') === this.#wanted && (this.#isRead || !isWhole))) return
    this.#put(this.#wanted, !isWhole)
    if (!this.#rendersLate) return
    this.#settling = true
    setTimeout(() => {
      this.#settling = false
      whenHandsAreFree(this, () => this.#catchUp())
    })
  }

  #theirDoing(event: Event): void {
    this.#present = true
    this.#theirStep ||= event.type !== 'pointerdown' && !(event instanceof KeyboardEvent && MOVES.test(event.key))
    if (this.#before !== null || this.#shown === null) return
    this.region.close()
    this.#before = this.region.text()
  }

  /** @param asItIs whether its Markdown is not to be read yet */
  #put(text: string, asItIs: boolean): void {
    if (this.edited() || !this.#dom.isConnected || !this.region.isThere()) return
    const theirs = this.#present ? rangeIn(this.#dom) : null
    const follows = theirs === null && endIsSeen(this.region.last() ?? this.#dom, LINE_PX)
    this.region.open()
    keepingScroll(this.#dom, follows ? 'page' : 'nothing', () =>
      withFocus(this.#dom, () => {
        if (this.#shown === null) this.region.keep(() => this.#beginStep())
        else if (!this.#theirStep) this.region.keep(() => this.#takeBack())
        this.#makeRoom()
        select(this.region.range())
        this.#paste(text, asItIs)
        if (theirs !== null) select(theirs)
      })
    )
    this.#shown = text
    this.#isRead = !asItIs
    this.#before = null
    written.set(this.#dom, this)
  }

  /**
   * What the person just typed would be one step with the writer's text: a history that has gone back and forth begins another.
   */
  #beginStep(): void {
    const { innerHTML } = this.#dom
    this.#history('historyUndo')
    if (this.#dom.innerHTML !== innerHTML) this.#history('historyRedo')
  }

  /** Back to what stood there, if that is what undo leads to; else as it was. */
  #takeBack(): void {
    let steps = 0
    while (steps < STEPS && textOf(this.#dom.children) !== this.#former) {
      if (!this.#history('historyUndo')) break
      steps += 1
    }
    if (textOf(this.#dom.children) === this.#former) return
    for (; steps > 0; steps -= 1) this.#history('historyRedo')
  }

  #history(inputType: 'historyUndo' | 'historyRedo'): boolean {
    const init = { inputType, bubbles: true, cancelable: true } as const
    return !this.#dom.dispatchEvent(new InputEvent('beforeinput', init))
  }

  /** An empty line below what stands there, if there is none. */
  #makeRoom(): void {
    if (this.region.nodes().length > 0) return
    const line = this.#dom.ownerDocument.createElement('p')
    // An empty one would be taken for a press of Enter, which in a list leads to the list's next line.
    line.append('…')
    select(this.region.range())
    this.region.put(line)
    // The editor looks for what changed where the caret is, and only if that has moved.
    select(this.region.range())
    this.#emptyLine()
  }

  /** What made it a line is not for undo to bring back. In front of it, where what goes is not taken for a press of Backspace. */
  #emptyLine(): void {
    const front = this.region.range()
    front.collapse(true)
    select(front)
    this.region.nodes()[0]?.replaceChildren()
    select(this.region.range())
  }

  #paste(text: string, asItIs: boolean): void {
    const clipboardData = new DataTransfer()
    clipboardData.setData('text/plain', text)
    if (asItIs) clipboardData.setData('text/html', paragraphsOf(text))
    this.#dom.dispatchEvent(new ClipboardEvent('paste', { clipboardData, bubbles: true, cancelable: true }))
  }
}

/** What a person has selected in the editor. */
function rangeIn(dom: HTMLElement): Range | null {
  const selection = dom.ownerDocument.getSelection()
  const range = selection !== null && selection.rangeCount > 0 ? selection.getRangeAt(0) : null
  return range !== null && dom.contains(range.commonAncestorContainer) ? range : null
}

function select(range: Range): void {
  const document = range.startContainer.ownerDocument as Document
  document
    .getSelection()
    ?.setBaseAndExtent(range.startContainer, range.startOffset, range.endContainer, range.endOffset)
  // The browser's own comes only when this script has ended.
  document.dispatchEvent(new Event('selectionchange'))
}
