import { GAP_MS } from '../shared/dashboard'
import { element, setText } from '../shared/dom'
import { formatBytes } from '../shared/format'
import { visible } from '../shared/text'
import { formatMs } from './columns'
import type { LogRow, StreamLog } from './log'
import { VirtualList } from './virtual-list'

export const LOG_ROW_PX = 26

/** Characters of a row's text that are shown in its line. */
const PREVIEW_CHARS = 200

const PAGE_ROWS = 10

/** Events, messages or pieces of one stream: a list box, of which only the rows in sight are there. */
export class LogList {
  readonly #scroller = element('log-scroller')
  readonly #list: VirtualList<LogRow>
  readonly #chosen: (row: LogRow | null) => void
  #log: StreamLog | null = null
  #startedAt = 0
  /** By its number; null: the newest, whichever it is. */
  #current: number | null = null
  #firstNumber = 0
  #follows = true

  /** @param chosen a row was chosen, or the newest again */
  constructor(chosen: (row: LogRow | null) => void) {
    this.#chosen = chosen
    this.#list = new VirtualList(
      this.#scroller,
      element('log-rows'),
      () => LOG_ROW_PX,
      makeRow,
      (row, item) => this.#fill(row, item)
    )
    this.#scroller.addEventListener('click', (event) => {
      const number = Number((event.target as HTMLElement).closest<HTMLElement>('.log-row')?.dataset['number'])
      if (number) this.#choose(number)
    })
    this.#scroller.addEventListener('keydown', (event) => this.#key(event))
  }

  /** Another stream's. */
  begin(log: StreamLog | null, startedAt: number): void {
    this.#log = log
    this.#startedAt = startedAt
    this.#current = null
    this.#firstNumber = 0
    this.#follows = true
    this.#scroller.removeAttribute('aria-activedescendant')
    this.#list.show(log?.rows ?? [])
  }

  /** Show what came. A list that is at its end stays there; who has scrolled away, or chosen a row, stays where they are. */
  update(): void {
    const log = this.#log
    if (log === null) return
    const follows = this.#current === null && this.#list.atEnd
    const first = log.total - log.rows.length
    const gone = first - this.#firstNumber
    this.#firstNumber = first
    this.#list.show(log.rows, follows ? 0 : -gone)
    if (follows) this.#list.scrollToEnd()
    this.#follows = follows
  }

  /** The chosen row, else the newest. */
  get row(): LogRow | undefined {
    const log = this.#log
    if (log === null) return undefined
    return this.#current === null ? log.rows.at(log.rows.length - 1) : log.rows.at(this.#indexOf(this.#current))
  }

  /** Whether it goes with the newest. */
  get follows(): boolean {
    return this.#follows
  }

  follow(): void {
    this.#current = null
    this.#scroller.removeAttribute('aria-activedescendant')
    this.#list.scrollToEnd()
    this.update()
    this.#chosen(null)
  }

  #indexOf(number: number): number {
    return number - 1 - this.#firstNumber
  }

  #choose(number: number): void {
    const row = this.#log?.rows.at(this.#indexOf(number))
    if (row === undefined) return
    this.#current = number
    this.#list.reveal(this.#indexOf(number))
    this.#scroller.setAttribute('aria-activedescendant', `log-${number}`)
    this.#chosen(row)
  }

  #key(event: KeyboardEvent): void {
    const log = this.#log
    if (log === null || event.target !== this.#scroller) return
    const index = this.#current === null ? log.rows.length - 1 : this.#indexOf(this.#current)
    const moves: Record<string, number> = {
      ArrowDown: index + 1,
      ArrowUp: index - 1,
      PageDown: index + PAGE_ROWS,
      PageUp: index - PAGE_ROWS,
      Home: 0
    }
    if (event.key === 'End') this.follow()
    else if (moves[event.key] !== undefined) {
      const to = Math.max(0, Math.min(log.rows.length - 1, moves[event.key] as number))
      this.#choose(to + 1 + this.#firstNumber)
    } else return
    event.preventDefault()
  }

  #fill(row: HTMLElement, item: LogRow): void {
    const number = String(item.number)
    row.dataset['number'] = number
    row.id = `log-${number}`
    row.setAttribute('aria-posinset', number)
    row.setAttribute('aria-setsize', String(this.#log?.total ?? -1))
    row.setAttribute('aria-selected', String(item.number === this.#current))
    row.classList.toggle('long-gap', item.gap !== null && item.gap >= GAP_MS)
    const [time, gap, arrow, type, size, text] = row.children as unknown as HTMLElement[]
    setText(time as HTMLElement, `${((item.at - this.#startedAt) / 1000).toFixed(3)} s`)
    setText(gap as HTMLElement, item.gap === null ? '' : `+${formatMs(item.gap)}`)
    setText(arrow as HTMLElement, item.direction === 'in' ? '↓' : '↑')
    ;(arrow as HTMLElement).title = item.direction === 'in' ? 'to the page' : 'from the page'
    setText(type as HTMLElement, visible(item.type.slice(0, 40)))
    setText(size as HTMLElement, formatBytes(item.size))
    setText(text as HTMLElement, item.text === null ? 'went by too fast to be shown' : previewOf(item.text))
  }
}

function previewOf(text: string): string {
  return visible(text.slice(0, PREVIEW_CHARS))
}

function makeRow(): HTMLElement {
  const row = document.createElement('div')
  row.className = 'log-row'
  row.setAttribute('role', 'option')
  for (const name of ['time', 'gap', 'arrow', 'type', 'size', 'text']) {
    const part = document.createElement('span')
    part.className = name
    row.append(part)
  }
  return row
}
