/** What a list shows: so many items, each at its place. */
export interface Items<T> {
  readonly length: number
  at(index: number): T | undefined
}

/** Rows above and below what is seen, so that a wheel's turn finds them there. */
const OVERSCAN = 6

/** Which rows are to be there, and where, for a list that is scrolled to `top`. */
export interface Span {
  readonly first: number
  readonly end: number
}

/** @param top pixels that are scrolled away, of `height` that are seen */
export function spanOf(length: number, rowHeight: number, top: number, height: number): Span {
  const from = Math.max(0, Math.min(top, length * rowHeight - height))
  const first = Math.max(0, Math.floor(from / rowHeight) - OVERSCAN)
  return { first, end: Math.min(length, Math.ceil((from + height) / rowHeight) + OVERSCAN) }
}

/**
 * A list of any length of rows of one height, of which only those in sight are in the document. Rows are used again: none
 * is made or thrown away by scrolling.
 */
export class VirtualList<T> {
  readonly #scroller: HTMLElement
  readonly #content: HTMLElement
  readonly #rowHeight: () => number
  readonly #make: () => HTMLElement
  readonly #fill: (row: HTMLElement, item: T, index: number) => void
  readonly #rows: { readonly row: HTMLElement; index: number; item: T | undefined }[] = []
  /** Rows are to be filled anew, also where they have the item that they had. */
  #changed = false
  #items: Items<T> = []
  #frame = 0
  #span: Span = { first: 0, end: 0 }

  /** @param content inside the scroller: it is given the height of all rows */
  constructor(
    scroller: HTMLElement,
    content: HTMLElement,
    rowHeight: () => number,
    make: () => HTMLElement,
    fill: (row: HTMLElement, item: T, index: number) => void
  ) {
    this.#scroller = scroller
    this.#content = content
    this.#rowHeight = rowHeight
    this.#make = make
    this.#fill = fill
    scroller.addEventListener('scroll', () => this.#soon(false), { passive: true })
    new ResizeObserver(() => this.update()).observe(scroller)
  }

  get span(): Span {
    return this.#span
  }

  /** The rows in sight alone, as they are scrolled now. */
  get inSight(): Span {
    const { scrollTop, clientHeight } = this.#scroller
    const rowHeight = this.#rowHeight()
    const head = this.#content.offsetTop
    return { first: Math.floor(scrollTop / rowHeight), end: Math.ceil((scrollTop + clientHeight - head) / rowHeight) }
  }

  /** Whether it is scrolled to its end, or nearly. */
  get atEnd(): boolean {
    const { scrollTop, scrollHeight, clientHeight } = this.#scroller
    return scrollHeight - scrollTop - clientHeight < this.#rowHeight()
  }

  /**
   * Show these from the next frame on.
   *
   * @param moved how many rows further down the one is that was first in sight: it stays where it is on the screen
   */
  show(items: Items<T>, moved = 0): void {
    this.#items = items
    // Who looks at the top wants to see what comes.
    if (moved !== 0 && this.#scroller.scrollTop > 0) {
      this.#size()
      this.#scroller.scrollTop += moved * this.#rowHeight()
    }
    this.update()
  }

  /** What the items say may have changed. */
  update(): void {
    this.#soon(true)
  }

  #soon(changed: boolean): void {
    this.#changed ||= changed
    this.#frame ||= requestAnimationFrame(() => {
      this.#frame = 0
      this.#draw()
    })
  }

  scrollToEnd(): void {
    this.#size()
    this.#scroller.scrollTop = this.#scroller.scrollHeight
    this.update()
  }

  /** Bring a row into sight, at once. */
  reveal(index: number): void {
    this.#size()
    this.#changed = true
    const rowHeight = this.#rowHeight()
    const { clientHeight, scrollTop } = this.#scroller
    const top = index * rowHeight
    // What sticks to the top covers it.
    const head = this.#content.offsetTop
    if (top < scrollTop) this.#scroller.scrollTop = top
    else if (top + rowHeight > scrollTop + clientHeight - head) {
      this.#scroller.scrollTop = top + rowHeight - clientHeight + head
    }
    this.#draw()
  }

  #size(): void {
    this.#content.style.height = `${this.#items.length * this.#rowHeight()}px`
  }

  #draw(): void {
    const { scrollTop, clientHeight } = this.#scroller
    const rowHeight = this.#rowHeight()
    const span = spanOf(this.#items.length, rowHeight, scrollTop, clientHeight)
    this.#span = span
    this.#size()
    while (this.#rows.length < span.end - span.first) {
      const row = this.#make()
      this.#rows.push({ row, index: -1, item: undefined })
      this.#content.append(row)
      this.#changed = true
    }
    const changed = this.#changed
    this.#changed = false
    for (const [place, shown] of this.#rows.entries()) {
      // Each row has the items of its own place, in turn: by scrolling only those change that went out of sight.
      const index = span.first + ((((place - span.first) % this.#rows.length) + this.#rows.length) % this.#rows.length)
      const item = index < span.end ? this.#items.at(index) : undefined
      if (!changed && shown.index === index && shown.item === item) continue
      const { row } = shown
      shown.index = index
      shown.item = item
      row.hidden = item === undefined
      if (item === undefined) continue
      row.style.transform = `translateY(${index * rowHeight}px)`
      this.#fill(row, item, index)
    }
  }
}
