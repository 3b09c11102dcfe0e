import type { FromDashboard, Update } from '../shared/dashboard'
import { announce, element, setText } from '../shared/dom'
import { formatBytes } from '../shared/format'
import type { Moment } from './columns'
import { Detail } from './detail'
import { type Filter, parseFilter } from './filter'
import { Paused } from './paused'
import type { RecorderPanel } from './recorder'
import { type Row, StreamStore } from './store'
import { nameOf, StreamTable } from './table'
import { arrange, isRestless, NEWEST, type Order } from './view'

/** How often what changes by itself is drawn: lengths, rates, who is waited for. */
const TICK_MS = 250

/** How often the order is made anew where it changes by itself. */
const REORDER_MS = 1_000

/** As style.css has them. */
const ROW_PX = 30
const PHONE_ROW_PX = 72

/** Puts what the worker tells into index.html, and what a person does into messages. */
export class Dashboard {
  readonly #send: (message: FromDashboard) => void
  readonly #store = new StreamStore()
  readonly #table: StreamTable
  readonly #detail: Detail
  readonly #recorder: RecorderPanel
  readonly #paused = new Paused()
  #filter: Filter = []
  #order: Order = NEWEST
  #rows: readonly Row[] = []
  #arranged = -1
  #arrangedAt = 0
  /** Since when, on the wall clock; null while it is not paused. */
  #pausedAt: number | null = null
  #frame = 0

  /** @param recorder makes the panel of recordings: of which pages it offers, and what to do when it is closed */
  constructor(
    send: (message: FromDashboard) => void,
    recorder: (pages: () => Iterable<string>, close: () => void) => RecorderPanel
  ) {
    this.#send = send
    this.#recorder = recorder(
      () => this.#store.pages(),
      () => this.#closeRecorder()
    )
    const phone = matchMedia('(width <= 640px)')
    this.#table = new StreamTable(
      { order: (column) => this.#orderBy(column), open: (id) => this.#show(id), stop: (id) => this.#stop(id) },
      () => (phone.matches ? PHONE_ROW_PX : ROW_PX)
    )
    this.#detail = new Detail(
      send,
      () => this.#close(),
      (id) => this.#stop(id)
    )
    element('filter').addEventListener('input', () => this.#search())
    element('pause').addEventListener('click', () => this.#pause())
    element('clear').addEventListener('click', () => this.#clear())
    element('recordings').addEventListener('click', () => this.#toggleRecorder())
    addEventListener('keydown', (event) => this.#key(event))
    setInterval(() => this.#tick(), TICK_MS)
    this.#draw()
  }

  receive(update: Update): void {
    if (this.#pausedAt === null) this.#apply(update)
    else {
      this.#paused.add(update)
      this.#drawHead()
    }
  }

  #apply(update: Update): void {
    this.#store.apply(update)
    const id = this.#detail.id
    if (id !== null) this.#detail.update(this.#store.row(id))
    this.#recorder.stream(id === null ? null : (this.#store.row(id)?.record ?? null))
    if (update.anew && update.looked === null) this.#detail.lookAgain()
    this.#detail.take(update)
    // What only goes on is drawn with the next tick.
    if (update.anew || update.records.length > 0) this.#drawSoon()
  }

  /** The worker's clock is the page's own. */
  get #moment(): Moment {
    return { now: this.#pausedAt ?? performance.timeOrigin + performance.now(), host: this.#store.host }
  }

  #drawSoon(): void {
    this.#frame ||= requestAnimationFrame(() => {
      this.#frame = 0
      this.#draw()
    })
  }

  #draw(): void {
    const moment = this.#moment
    const { version } = this.#store
    const restless = isRestless(this.#order) || this.#filter.some(({ key }) => key === 'held')
    if (version !== this.#arranged || (restless && moment.now - this.#arrangedAt >= REORDER_MS)) this.#arrange(moment)
    else this.#table.tick(moment)
    this.#drawHead()
  }

  #arrange(moment: Moment): void {
    this.#arranged = this.#store.version
    this.#arrangedAt = moment.now
    this.#rows = arrange(this.#store, this.#filter, this.#order, moment)
    this.#table.show(this.#rows, this.#order, moment)
    element('nothing').hidden = this.#rows.length > 0 || !this.#heard
    setText(element('nothing'), this.#store.size > 0 ? 'No stream matches the filter.' : NOTHING)
    setText(element('matching'), this.#filter.length > 0 ? `${this.#rows.length} of ${this.#store.size}` : '')
  }

  /** Before the worker's first word nobody knows how many there are. */
  get #heard(): boolean {
    return this.#store.version > 0
  }

  #drawHead(): void {
    if (!this.#heard) return
    const { live, size } = this.#store
    const { in: received, out: sent } = this.#store.total(this.#moment.now)
    const parts = [`${live} live`, `${size - live} ended`]
    if (live > 0) parts.push(`${formatBytes(received)}/s`)
    if (sent > 0) parts.push(`↑ ${formatBytes(sent)}/s`)
    if (this.#pausedAt !== null) parts.push(`paused, ${this.#paused.size} changed since`)
    setText(element('summary'), parts.join(' · '))
  }

  #tick(): void {
    if (this.#pausedAt !== null || document.hidden) return
    this.#draw()
    this.#detail.draw(this.#moment)
  }

  #search(): void {
    this.#filter = parseFilter(element<HTMLInputElement>('filter').value)
    this.#arrange(this.#moment)
    announce(`${this.#rows.length} streams`)
  }

  #orderBy(column: string): void {
    const { by, down } = this.#order
    // A third time takes it back.
    this.#order = by !== column ? { by: column, down: false } : down ? NEWEST : { by: column, down: true }
    this.#arrange(this.#moment)
    announce(this.#order === NEWEST ? 'The newest first' : `By ${column}, ${this.#order.down ? 'down' : 'up'}`)
  }

  #show(id: number | null): void {
    const row = id === null ? undefined : this.#store.row(id)
    if (row !== undefined) this.#showRecorder(false)
    this.#detail.open(row ?? null)
    this.#recorder.stream(row?.record ?? null)
    document.body.classList.toggle('detailed', row !== undefined || this.#recorder.isOpen)
    this.#table.mark(row === undefined ? null : id)
    this.#detail.draw(this.#moment)
    if (row !== undefined) announce(nameOf(row, this.#moment))
  }

  #close(): void {
    this.#show(null)
    this.#table.focus()
  }

  /** Beside the table there is one or the other. */
  #showRecorder(shown: boolean): void {
    if (shown === this.#recorder.isOpen) return
    element('recordings').setAttribute('aria-expanded', String(shown))
    if (shown) this.#recorder.open()
    else this.#recorder.close()
  }

  #toggleRecorder(): void {
    if (this.#recorder.isOpen) return this.#closeRecorder()
    this.#showRecorder(true)
    this.#show(null)
  }

  #closeRecorder(): void {
    this.#showRecorder(false)
    this.#show(null)
    element('recordings').focus()
  }

  #stop(id: number): void {
    const row = this.#store.row(id)
    if (row === undefined || row.record.state === 'ended') return
    announce(`Stopping ${nameOf(row, this.#moment)}`)
    this.#send({ type: 'STOP', stream: id })
  }

  #clear(): void {
    this.#send({ type: 'CLEAR' })
    announce('Forgot the streams that ended')
  }

  #pause(): void {
    const button = element('pause')
    const paused = this.#pausedAt === null
    button.setAttribute('aria-pressed', String(paused))
    setText(button, paused ? 'Go on' : 'Pause')
    announce(paused ? 'Paused: the streams go on' : 'Going on')
    if (paused) this.#pausedAt = this.#moment.now
    else {
      this.#pausedAt = null
      const update = this.#paused.take()
      if (update !== null) this.#apply(update)
    }
    this.#drawHead()
  }

  #key(event: KeyboardEvent): void {
    const { target, key } = event
    if (event.ctrlKey || event.altKey || event.metaKey) return
    // In the filter they are letters; an Escape takes back what was typed first.
    if (target instanceof HTMLInputElement && (key !== 'Escape' || target.value !== '')) return
    if (target instanceof HTMLSelectElement && key !== 'Escape') return
    if (key === '/') element('filter').focus()
    else if (key === 'p') this.#pause()
    else if (key === 'r') this.#toggleRecorder()
    else if (key === 'Escape' && this.#recorder.isOpen) this.#closeRecorder()
    else if (key === 'Escape' && this.#detail.id !== null) this.#close()
    else return
    event.preventDefault()
  }
}

const NOTHING = 'No stream yet. What pages stream through Longwire from now on is listed here.'
