// A plain text field, also one that React keeps: the text goes in as if it were typed where the person is in the field, and
// as a new value where they are elsewhere, for what is typed goes where the focus is and the focus is theirs.
//
// Which way leaves which undo (Chromium 148, shown by tests/e2e/test_writer_editors.py):
//   a new value                       none: what was typed before cannot be taken back either
//   insertText after insertText       one step for all of them, and for what the person typed just before; a selection that
//                                     is set in between, be it the same, begins another step
//   undo, then insertText             one step, and what was typed before stays undoable
// So each text takes the place of the last one by `undo` and `insertText`, or is put behind it. A field without the focus gets
// values, and its step once the person comes into it, which is before they can undo.

import type { Editor, LiveText } from '../model'
import { watch, whenHandsAreFree } from './hands'
import { belowTheirs, found, holdsTheirs, type Region, regionOf, type Written } from './region'
import { atEnd, endIsSeen, keepingScroll, showEnd } from './scroll'

/** What was written last in each field of this document, and what still listens there. */
let written = new WeakMap<HTMLTextAreaElement, Written>()
const listening = new WeakMap<HTMLTextAreaElement, AbortController>()
/** Where it was written last of all: a site that makes its page anew has another field with the same text. */
let last: HTMLTextAreaElement | null = null

/** Take nothing that stands in any field for the writer's: the page is about something else from now on. */
export function forgetFields(): void {
  written = new WeakMap()
  last = null
}

/** Pixels within which a field is where it was left. */
const LINE_PX = 24

export class TextareaEditor implements Editor {
  readonly #field: HTMLTextAreaElement

  constructor(field: HTMLTextAreaElement) {
    this.#field = field
  }

  read(): string {
    return this.#field.value
  }

  usable(): boolean {
    return this.#field.isConnected && !this.#field.disabled && !this.#field.readOnly
  }

  holdsTheirs(): boolean {
    const last = writtenIn(this.#field)
    return holdsTheirs(regionOf(this.#field.value, last), last)
  }

  write(replace: boolean): LiveText {
    return new LiveTextarea(this.#field, replace)
  }
}

interface Caret {
  readonly start: number
  readonly end: number
  readonly direction: 'forward' | 'backward' | 'none'
}

class LiveTextarea implements LiveText {
  readonly #field: HTMLTextAreaElement
  readonly #replace: boolean
  /** What stood there when the text that is shown was put in: what undo leads back to. */
  #former: string
  #region: Region
  #shown = ''
  /** With what is put in front and behind, empty before the first text. */
  #whole = ''
  /** What the field has if nobody else touched it. */
  #expected: string
  #caret: Caret
  #way: 'none' | 'typed' | 'set' = 'none'
  /** Whether what undo takes back next is ours. */
  #ours = false
  #writing = false
  #edited = false
  #finished = false
  /** Where the field was scrolled to when it last followed the text, null before that. */
  #followed: number | null = null
  readonly #listening = new AbortController()

  constructor(field: HTMLTextAreaElement, replace: boolean) {
    this.#field = field
    this.#replace = replace
    this.#former = this.#expected = field.value
    this.#region = this.#regionNow()
    this.#caret = caretOf(field)
    listening.get(field)?.abort()
    listening.set(field, this.#listening)
    const { signal } = this.#listening
    watch()
    field.addEventListener('input', () => this.#touched(), { signal })
    // Before the person can undo anything in it.
    field.addEventListener('focus', () => this.#way === 'set' && this.#makeStep(), { signal })
  }

  show(received: string): void {
    const text = received.replace(/\r\n?/g, '\n')
    if (this.#finished || (text === this.#shown && this.#whole !== '')) return
    // In the field they are in they may be putting a word together, which typing would break.
    if (this.#focused()) whenHandsAreFree(this, () => this.#put(text))
    else this.#put(text)
  }

  #put(text: string): void {
    this.#reconcile()
    if (this.#edited) return
    const theirs = this.#personsCaret()
    const follows = theirs === null && this.#caretIsSeen()
    const page = this.#focused() && endIsSeen(this.#field, LINE_PX)
    keepingScroll(this.#field, 'nothing', () => {
      if (this.#focused()) this.#type(text)
      else this.#set(text)
      this.#place(text, theirs)
    })
    // Chromium scrolls a field to a caret that a person moves, and not to this one.
    if (follows && this.#region.after.trim() === '') showEnd(this.#field, page)
    if (follows) this.#followed = this.#field.scrollTop
    written.set(this.#field, { before: this.#region.before, whole: this.#whole, after: this.#region.after })
    last = this.#field
  }

  finish(): void {
    this.#finished = true
    whenHandsAreFree(this.#listening, () => this.#way !== 'set' && this.#listening.abort())
  }

  /** A person, the site or another extension changed the field. */
  #touched(): void {
    if (this.#writing) return
    this.#ours = false
    this.#reconcile()
  }

  /** Find the writer's text again if something around it changed; else it is no longer the writer's. */
  #reconcile(): void {
    const value = this.#field.value
    if (this.#edited || value === this.#expected) return
    this.#ours = false
    if (this.#whole === '') {
      this.#former = value
      this.#region = this.#regionNow()
    } else {
      const place = found({ ...this.#region, whole: this.#whole }, value)
      this.#edited = place === null
      if (place === null) return
      const { before, after } = place
      this.#former = before + this.#region.between + after
      this.#region = { ...this.#region, before, after }
    }
    this.#expected = value
  }

  #regionNow(): Region {
    const last = writtenIn(this.#field)
    const region = regionOf(this.#field.value, last)
    return this.#replace || !holdsTheirs(region, last) ? region : belowTheirs(region)
  }

  /** What they selected, if it is not the caret that was left at the end. */
  #personsCaret(): Caret | null {
    if (!this.#focused()) return null
    const now = caretOf(this.#field)
    return now.start === this.#caret.start && now.end === this.#caret.end ? null : now
  }

  /** The browser does not say where a field shows its caret; who scrolled back does not look at it. */
  #caretIsSeen(): boolean {
    if (this.#followed !== null) return this.#field.scrollTop >= this.#followed - LINE_PX
    return this.#focused() || atEnd(this.#field, LINE_PX)
  }

  #focused(): boolean {
    return (this.#field.getRootNode() as Document | ShadowRoot).activeElement === this.#field
  }

  #type(text: string): void {
    const { before, lead, trail } = this.#region
    const behind = before.length + lead.length + this.#shown.length
    const caret = caretOf(this.#field)
    const appends = this.#ours && this.#whole !== '' && trail === '' && text.startsWith(this.#shown)
    if (appends && caret.start === behind && caret.end === behind) {
      this.#insert(text.slice(this.#shown.length))
    } else {
      this.#takeBack()
      const standing = this.#standing()
      if (standing !== null) {
        // Also where the caret is there already: it keeps what the person just typed out of this step.
        this.#field.setSelectionRange(before.length, before.length + standing)
        this.#insert(lead + text + trail)
      }
    }
    // What the field did not take as typed: more than its `maxlength`, or a page that cancels `beforeinput`.
    this.#ours = this.#field.value === this.#text(text)
    if (this.#ours) this.#way = 'typed'
    else this.#set(text)
  }

  /** Back to what stood there, if that is what undo leads to. */
  #takeBack(): void {
    if (this.#way === 'set') this.#value(this.#former)
    else if (this.#ours && this.#whole !== '') this.#command('undo')
  }

  /** How many characters the new text replaces; null if the field has neither the former text nor the one that was shown. */
  #standing(): number | null {
    const { value } = this.#field
    if (value === this.#former) return this.#region.between.length
    return value === this.#expected ? this.#whole.length : null
  }

  #insert(text: string): void {
    if (text !== '') this.#command('insertText', text)
    // With nothing selected it would take the character in front.
    else if (this.#field.selectionStart !== this.#field.selectionEnd) this.#command('delete')
  }

  #command(name: 'undo' | 'insertText' | 'delete', text?: string): void {
    this.#quietly(() => this.#field.ownerDocument.execCommand(name, false, text))
  }

  #set(text: string): void {
    this.#value(this.#text(text))
    this.#way = 'set'
    this.#ours = false
    // What a framework listens to; with the value of its own setter it would take the event for none.
    this.#quietly(() => this.#field.dispatchEvent(new InputEvent('input', { bubbles: true })))
  }

  /** By the setter of the element's own realm: a framework puts one of its own on the element. */
  #value(value: string): void {
    const { HTMLTextAreaElement: realm } = this.#field.ownerDocument.defaultView as unknown as typeof globalThis
    Object.getOwnPropertyDescriptor(realm.prototype, 'value')?.set?.call(this.#field, value)
  }

  #text(text: string): string {
    const { before, lead, trail, after } = this.#region
    return before + lead + text + trail + after
  }

  #place(text: string, theirs: Caret | null): void {
    const { before, between, lead, trail } = this.#region
    const end = before.length + lead.length + text.length
    const replaced = (this.#whole || between).length
    this.#shown = text
    this.#whole = lead + text + trail
    this.#expected = this.#field.value
    this.#caret = { start: end, end, direction: 'none' }
    this.#select(theirs === null ? this.#caret : moved(theirs, before.length, replaced, this.#whole.length - replaced))
  }

  #select({ start, end, direction }: Caret): void {
    const now = caretOf(this.#field)
    if (now.start !== start || now.end !== end) this.#field.setSelectionRange(start, end, direction)
  }

  /** The step that undo takes back, in a field that was written to while the person was elsewhere. */
  #makeStep(): void {
    this.#reconcile()
    if (this.#edited) return
    keepingScroll(this.#field, 'nothing', () => {
      const caret = caretOf(this.#field)
      this.#type(this.#shown)
      this.#select(caret)
      this.#expected = this.#field.value
    })
    if (this.#finished) this.#listening.abort()
  }

  #quietly(act: () => unknown): void {
    this.#writing = true
    try {
      act()
    } finally {
      this.#writing = false
    }
  }
}

/** What the writer wrote there, or in the field in whose place this one is. */
function writtenIn(field: HTMLTextAreaElement): Written | null {
  const here = written.get(field)
  const before = last?.isConnected === false ? written.get(last) : undefined
  if (here !== undefined || before === undefined) return here ?? null
  // Nobody saw what was done to it on the way: it is the writer's if it is as it was left, else a person's.
  return found(before, field.value) === null ? null : before
}

function caretOf(field: HTMLTextAreaElement): Caret {
  return { start: field.selectionStart, end: field.selectionEnd, direction: field.selectionDirection }
}

/** A selection after what stands in `length` characters from `at` grew by so many. */
function moved({ start, end, direction }: Caret, at: number, length: number, grown: number): Caret {
  const move = (position: number): number =>
    position <= at ? position : position >= at + length ? position + grown : Math.min(position, at + length + grown)
  return { start: move(start), end: move(end), direction }
}
