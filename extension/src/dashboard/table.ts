import { element, setText } from '../shared/dom'
import { COLUMNS, formatMs, type Moment, stateOf, toneOf } from './columns'
import type { Row } from './store'
import type { Order } from './view'
import { VirtualList } from './virtual-list'
import { barOf, spanOfRecords, type TimeSpan } from './waterfall'

/** What the table asks of its page. */
export interface TableEvents {
  /** Order by this column, or turn it round. */
  order(column: string): void
  /** Show this one; null: none. */
  open(id: number | null): void
  stop(id: number): void
}

/** The elements of one row, and what they show: a document is slow to say it, and slower to be told what it shows already. */
interface Cells {
  readonly texts: ReadonlyMap<string, HTMLElement>
  readonly shown: Map<string, string>
  readonly bar: HTMLElement
  readonly parts: readonly [headers: HTMLElement, first: HTMLElement]
  readonly stop: HTMLButtonElement
}

const PAGE_ROWS = 10

/**
 * The table of streams: a grid of which only the rows in sight are there. The focus stays on the grid, which says which row
 * is meant (`aria-activedescendant`), so a row may go out of sight, or away, under it.
 */
export class StreamTable {
  readonly #grid = element('grid')
  readonly #list: VirtualList<Row>
  readonly #cells = new WeakMap<HTMLElement, Cells>()
  readonly #events: TableEvents
  #rows: readonly Row[] = []
  #indexes = new Map<number, number>()
  #moment: Moment = { now: 0, host: { starts: false, heardAt: 0 } }
  #span: TimeSpan = { start: 0, end: 1 }
  /** The stream that the keyboard is on. */
  #current: number | null = null
  #open: number | null = null

  constructor(events: TableEvents, rowHeight: () => number) {
    this.#events = events
    this.#list = new VirtualList(
      element('scroller'),
      element('rows'),
      rowHeight,
      () => this.#make(),
      (row, item, index) => this.#fill(row, item, index)
    )
    this.#makeHead()
    this.#grid.addEventListener('keydown', (event) => this.#key(event))
    this.#grid.addEventListener('focus', () => this.#focused())
    element('scroller').addEventListener('click', (event) => this.#click(event))
  }

  /** @param rows in their order, which is the array's own: it is not copied */
  show(rows: readonly Row[], order: Order, moment: Moment): void {
    const anchor = this.#rows[this.#list.span.first]?.record.id
    const before = this.#list.span.first
    this.#rows = rows
    this.#indexes = new Map(rows.map(({ record }, index) => [record.id, index]))
    const after = anchor === undefined ? undefined : this.#indexes.get(anchor)
    this.#grid.setAttribute('aria-rowcount', String(rows.length + 1))
    this.#showOrder(order)
    this.tick(moment)
    this.#list.show(rows, after === undefined ? 0 : after - before)
    this.#tellCurrent()
  }

  /** The same rows, a moment later. */
  tick(moment: Moment): void {
    this.#moment = moment
    const { first, end } = this.#list.inSight
    const seen = this.#rows.slice(first, end)
    // While the table is hidden there are none, and when it is shown again the last ones are nearly right.
    if (seen.length > 0 || this.#rows.length === 0) {
      this.#span = spanOfRecords(
        seen.map(({ record }) => record),
        moment.now
      )
    }
    setText(element('waterfall-span'), this.#rows.length > 0 ? formatMs(this.#span.end - this.#span.start) : '')
    this.#list.update()
  }

  mark(open: number | null): void {
    this.#open = open
    if (open !== null) this.#current = open
    this.#list.update()
    this.#tellCurrent()
  }

  focus(): void {
    this.#grid.focus()
  }

  #makeHead(): void {
    const head = element('head')
    for (const [index, { id, title, sort, numeric }] of COLUMNS.entries()) {
      const cell = document.createElement('div')
      cell.setAttribute('role', 'columnheader')
      cell.setAttribute('aria-colindex', String(index + 1))
      cell.dataset['column'] = id
      cell.classList.toggle('numeric', numeric === true)
      if (sort === undefined) {
        const span = document.createElement('span')
        span.id = 'waterfall-span'
        cell.append(title, ' ', span)
      } else {
        const button = document.createElement('button')
        button.type = 'button'
        button.textContent = title
        button.addEventListener('click', () => this.#events.order(id))
        cell.append(button)
      }
      head.append(cell)
    }
  }

  #showOrder({ by, down }: Order): void {
    for (const cell of element('head').children) {
      const sorted = (cell as HTMLElement).dataset['column'] === by
      cell.setAttribute('aria-sort', sorted ? (down ? 'descending' : 'ascending') : 'none')
    }
  }

  #make(): HTMLElement {
    const row = document.createElement('div')
    row.className = 'row'
    row.setAttribute('role', 'row')
    const texts = new Map<string, HTMLElement>()
    const part = (name: string) => {
      const made = document.createElement('div')
      made.className = name
      return made
    }
    const bar = part('bar')
    const parts = [part('bar-headers'), part('bar-first')] as const
    const stop = document.createElement('button')
    for (const [index, { id, numeric }] of COLUMNS.entries()) {
      const cell = part(numeric ? 'cell numeric' : 'cell')
      cell.dataset['column'] = id
      cell.setAttribute('role', 'gridcell')
      cell.setAttribute('aria-colindex', String(index + 1))
      texts.set(id, cell)
      row.append(cell)
    }
    bar.append(...parts)
    texts.get('waterfall')?.append(bar)
    stop.type = 'button'
    stop.className = 'stop'
    stop.textContent = 'Stop'
    // By the keyboard it is a key of the grid's.
    stop.tabIndex = -1
    texts.get('waterfall')?.append(stop)
    this.#cells.set(row, { texts, shown: new Map(), bar, parts, stop })
    return row
  }

  #fill(row: HTMLElement, item: Row, index: number): void {
    const { texts, shown, bar, parts, stop } = this.#cells.get(row) as Cells
    const { record } = item
    const set = (name: string, value: string, show: (value: string) => void) => {
      if (shown.get(name) === value) return
      shown.set(name, value)
      show(value)
    }
    const attribute = (name: string, value: string) => set(name, value, () => row.setAttribute(name, value))
    attribute('data-stream', String(record.id))
    attribute('id', `row-${record.id}`)
    attribute('aria-rowindex', String(index + 2))
    attribute('aria-selected', String(record.id === this.#open))
    attribute('class', `row${index % 2 === 1 ? ' odd' : ''}${record.id === this.#current ? ' current' : ''}`)
    attribute('data-tone', toneOf(record))
    for (const { id, text } of COLUMNS) {
      if (id === 'waterfall') continue
      const cell = texts.get(id) as HTMLElement
      set(id, text(item, this.#moment), (value) => {
        cell.textContent = value
        if (id === 'held') cell.dataset['held'] = value
      })
    }
    const { left, width, headers, first } = barOf(record, this.#span, this.#moment.now)
    const [waited, began] = parts
    const percent = (share: number) => `${(100 * share).toFixed(2)}%`
    set('left', percent(left), (value) => bar.style.setProperty('left', value))
    set('width', percent(width), (value) => bar.style.setProperty('width', `max(2px, ${value})`))
    set('waited', percent(headers), (value) => waited.style.setProperty('width', value))
    set('began', percent(first), (value) => began.style.setProperty('width', value))
    const over = record.state === 'ended' || record.state === 'ending'
    set('stop', over ? '' : `Stop ${shown.get('method')} ${shown.get('destination')}`, (value) => {
      stop.hidden = value === ''
      stop.setAttribute('aria-label', value)
    })
  }

  #click(event: Event): void {
    const target = event.target as HTMLElement
    const id = Number(target.closest<HTMLElement>('.row')?.dataset['stream'])
    if (!id) return
    if (target.closest('.stop') !== null) return this.#events.stop(id)
    this.#current = id
    this.#events.open(id)
  }

  #focused(): void {
    if (this.#current === null || !this.#indexes.has(this.#current)) this.#move(this.#list.span.first)
  }

  #key(event: KeyboardEvent): void {
    if (event.target !== this.#grid || event.ctrlKey || event.altKey || event.metaKey) return
    const index = this.#current === null ? -1 : (this.#indexes.get(this.#current) ?? -1)
    const moves: Record<string, number> = {
      ArrowDown: index + 1,
      ArrowUp: index - 1,
      PageDown: index + PAGE_ROWS,
      PageUp: index - PAGE_ROWS,
      Home: 0,
      End: this.#rows.length - 1
    }
    const to = moves[event.key]
    if (to !== undefined) this.#move(Math.max(0, Math.min(this.#rows.length - 1, to)))
    else if (event.key === 'Enter' && index >= 0) this.#events.open(this.#current)
    else if ((event.key === 'Delete' || event.key === 's') && index >= 0) this.#events.stop(this.#current as number)
    else return
    event.preventDefault()
  }

  #move(index: number): void {
    const row = this.#rows[index]
    if (row === undefined) return
    this.#current = row.record.id
    this.#list.reveal(index)
    this.#tellCurrent()
    if (this.#open !== null) this.#events.open(this.#current)
  }

  #tellCurrent(): void {
    if (this.#current !== null && this.#indexes.has(this.#current)) {
      this.#grid.setAttribute('aria-activedescendant', `row-${this.#current}`)
    } else this.#grid.removeAttribute('aria-activedescendant')
  }
}

/** What a screen reader says of a row when it is opened. */
export function nameOf(row: Row, moment: Moment): string {
  const say = (id: string) => COLUMNS.find((column) => column.id === id)?.text(row, moment) ?? ''
  return `${stateOf(row.record)}: ${say('method')} ${say('destination')}`
}
