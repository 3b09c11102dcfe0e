import { announce, element, setText } from '../shared/dom'
import { formatBytes, formatDuration } from '../shared/format'
import { DURABLE_URL, GENERATE_URL } from '../shared/names'
import type { StreamRow } from '../shared/popup'
import type { Rates } from './rates'

interface Row {
  readonly item: HTMLLIElement
  readonly where: HTMLElement
  readonly what: HTMLElement
  readonly figures: HTMLElement
  readonly tabFrame: HTMLElement
  readonly button: HTMLButtonElement
}

/**
 * The live streams of the tab. Rows stay where they are and change in place, whatever comes and goes around them, so that
 * neither focus nor scroll position jumps. One Tab stop for the list: the arrow keys go from button to button.
 */
export class StreamList {
  readonly #list = element<HTMLUListElement>('stream-list')
  readonly #rows = new Map<number, Row>()
  readonly #stop: (id: number) => void
  #topOrigin: string | null = null

  constructor(stop: (id: number) => void) {
    this.#stop = stop
    this.#list.addEventListener('keydown', (event) => this.#move(event))
    element('stop-all').addEventListener('click', () => {
      announce(`Stopping ${this.#rows.size} streams`)
      for (const id of this.#rows.keys()) stop(id)
      element('streams-title').focus()
    })
  }

  show(streams: readonly StreamRow[], at: number, rates: Rates, topOrigin: string | null): void {
    this.#topOrigin = topOrigin
    const live = new Set(streams.map(({ id }) => id))
    for (const id of this.#rows.keys()) if (!live.has(id)) this.#remove(id)
    for (const stream of streams) this.#update(this.#rows.get(stream.id) ?? this.#add(stream.id), stream, at, rates)
    setText(element('count'), streams.length > 0 ? String(streams.length) : '')
    element('stop-all').hidden = streams.length < 2
    element('no-streams').hidden = streams.length > 0
    this.#list.hidden = streams.length === 0
    this.#keepOneTabStop()
  }

  #add(id: number): Row {
    const make = <K extends keyof HTMLElementTagNameMap>(tag: K, name: string) => {
      const made = document.createElement(tag)
      made.className = name
      return made
    }
    const row: Row = {
      item: make('li', ''),
      where: make('p', 'where'),
      what: make('p', 'what'),
      figures: make('p', 'figures'),
      tabFrame: make('p', 'frame'),
      button: make('button', '')
    }
    row.button.type = 'button'
    row.button.addEventListener('click', () => {
      announce(`Stopping ${row.what.textContent} of ${row.where.textContent}`)
      this.#stop(id)
    })
    row.item.append(row.where, row.what, row.figures, row.tabFrame, row.button)
    this.#rows.set(id, row)
    this.#list.append(row.item)
    return row
  }

  #update(row: Row, stream: StreamRow, at: number, rates: Rates): void {
    const { host, what } = namesOf(stream)
    setText(row.where, host)
    setText(row.what, what)
    if (row.item.title !== stream.url) row.item.title = stream.url
    setText(row.figures, figuresOf(stream, rates.of(stream.id), at - stream.startedAt))
    const whose = whoseOf(stream, this.#topOrigin)
    row.tabFrame.hidden = whose === ''
    setText(row.tabFrame, whose)
    const ending = stream.state === 'ending'
    setText(row.button, ending ? 'Stopping' : 'Stop')
    // Not `disabled`: that would take the focus away from a keyboard that is on it.
    row.button.setAttribute('aria-disabled', String(ending))
    row.button.setAttribute('aria-label', `${ending ? 'Stopping' : 'Stop'} ${what} of ${host}`)
  }

  #remove(id: number): void {
    const row = this.#rows.get(id)
    if (row === undefined) return
    const focused = row.button === document.activeElement
    const neighbour = row.item.nextElementSibling ?? row.item.previousElementSibling
    row.item.remove()
    this.#rows.delete(id)
    if (focused) (neighbour?.querySelector('button') ?? element('streams-title')).focus()
  }

  #buttons(): HTMLButtonElement[] {
    return [...this.#list.querySelectorAll('button')]
  }

  #keepOneTabStop(): void {
    const buttons = this.#buttons()
    const current = buttons.find((button) => button === document.activeElement) ?? buttons[0]
    for (const button of buttons) button.tabIndex = button === current ? 0 : -1
  }

  #move(event: KeyboardEvent): void {
    const buttons = this.#buttons()
    const index = buttons.indexOf(document.activeElement as HTMLButtonElement)
    const targets: Record<string, number> = {
      ArrowDown: index + 1,
      ArrowUp: index - 1,
      Home: 0,
      End: buttons.length - 1
    }
    const target = buttons[targets[event.key] ?? -1]
    if (target === undefined) return
    event.preventDefault()
    target.focus()
    this.#keepOneTabStop()
  }
}

/** Whose it is, where that is not the page itself. */
export function whoseOf({ origin, principal }: StreamRow, topOrigin: string | null): string {
  const where = origin === topOrigin ? '' : `in a frame of ${origin}`
  if (principal === 'page') return where
  return `by the writer${where === '' ? '' : `, on ${origin}`}`
}

/** What a person calls it. Which provider a generation is asked of, only the host knows. */
function namesOf({ method, url }: StreamRow): { readonly host: string; readonly what: string } {
  if (url === GENERATE_URL) return { host: 'A language model', what: 'generate' }
  if (url.startsWith(DURABLE_URL)) return { host: 'Durable requests', what: method }
  const { host, pathname, search } = new URL(url)
  return { host, what: `${method} ${pathname}${search}` }
}

/** `Streaming · 1.2 MB · 340 kB/s · 12 s`; behind the first, `durable` where it is. */
export function figuresOf(stream: StreamRow, rate: number | null, ageMs: number): string {
  const parts = [stateOf(stream)]
  if (stream.durable) parts.push('durable')
  if (stream.sent > 0) parts.push(`${formatBytes(stream.sent)} sent`)
  if (stream.status > 0) {
    parts.push(formatBytes(stream.received))
    if (rate !== null && stream.state === 'open') parts.push(`${formatBytes(rate)}/s`)
  }
  parts.push(formatDuration(ageMs))
  return parts.join(' · ')
}

function stateOf({ state, status }: StreamRow): string {
  if (state === 'ending') return 'Ending'
  if (state === 'starting') return 'Waiting for the host to start'
  if (state === 'connecting') return 'Waiting for the server'
  return status >= 400 ? `HTTP ${status}` : 'Streaming'
}
