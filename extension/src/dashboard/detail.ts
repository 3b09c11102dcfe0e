import type { FromDashboard, Update } from '../shared/dashboard'
import { announce, element, setText } from '../shared/dom'
import { formatBytes } from '../shared/format'
import { visible, visibleLines } from '../shared/text'
import { destinationOf, formatMs, type Moment } from './columns'
import { type Figure, figuresOf, generationFigures, troubleOf } from './figures'
import { Inflater } from './inflate'
import { jsonTree } from './json-tree'
import { type LogKind, type LogRow, StreamLog } from './log'
import { LogList } from './log-list'
import { GapPlot, RatePlot } from './plots'
import type { Row } from './store'

/** Characters of the assembled text that are in the document, and how often they change: to lay it out takes its time. */
const TEXT_SHOWN = 8_000
const TEXT_MS = 500

/** As long as there are so few, everything is drawn at once. */
const FEW = 200

const TITLES: Record<LogKind, string> = {
  sse: 'Events',
  ndjson: 'Lines',
  socket: 'Messages',
  bytes: 'Pieces'
}

/** All of one stream. Its bytes are asked for while it is open, and for no other. */
export class Detail {
  readonly #send: (message: FromDashboard) => void
  readonly #list: LogList
  readonly #rates = new RatePlot(element('plot-rate'))
  readonly #gaps = new GapPlot(element('plot-gaps'))
  #row: Row | null = null
  #log: StreamLog | null = null
  #inflater: Inflater | null = null
  #treeOf: LogRow | undefined
  #textAt = 0

  /** @param close it is not wanted any more */
  constructor(send: (message: FromDashboard) => void, close: () => void, stop: (id: number) => void) {
    this.#send = send
    this.#list = new LogList((row) => {
      this.#showTree()
      announce(row === null ? 'The newest is shown' : `${row.type}, ${formatBytes(row.size)}`)
    })
    element('detail-close').addEventListener('click', close)
    element('detail-stop').addEventListener('click', () => this.#row !== null && stop(this.#row.record.id))
    element('follow').addEventListener('click', () => this.#list.follow())
    element('detail').addEventListener('keydown', (event) => {
      if (event.key === 'Escape') close()
    })
  }

  get id(): number | null {
    return this.#row?.record.id ?? null
  }

  open(row: Row | null): void {
    const before = this.id
    this.#row = row
    element('detail').hidden = row === null
    if (before === this.id) return
    this.#forget()
    if (before !== null || (row !== null && row.record.state !== 'ended')) {
      this.#send({ type: 'LOOK', stream: row === null || row.record.state === 'ended' ? null : row.record.id })
    }
    if (row !== null) element('detail').scrollTop = 0
  }

  /** The worker began anew, and looks at nothing. */
  lookAgain(): void {
    const record = this.#row?.record
    if (record !== undefined && record.state !== 'ended') this.#send({ type: 'LOOK', stream: record.id })
  }

  /** The stream as the store has it now, if it still has it. */
  update(row: Row | undefined): void {
    if (row !== undefined && this.#row !== null) this.#row = row
  }

  take({ looked, pieces }: Update): void {
    const row = this.#row
    if (row === null || looked?.stream !== row.record.id) return
    if (this.#log === null) {
      const log = new StreamLog(row.record, looked)
      this.#log = log
      this.#inflater = new Inflater((piece, plain) => log.add(piece, plain))
      this.#list.begin(log, row.record.startedAt)
      setText(element('unseen'), unseenOf(looked))
    }
    this.#inflater?.push(pieces)
  }

  draw(moment: Moment): void {
    const row = this.#row
    if (row === null) return
    const { record } = row
    setText(element('detail-title'), `${record.method} ${destinationOf(record)}`)
    setText(element('detail-url'), visible(record.url))
    element('detail-stop').hidden = record.state === 'ended' || record.state === 'ending'
    const trouble = troubleOf(record)
    element('detail-trouble').hidden = trouble === null
    setText(element('trouble-title'), trouble?.title ?? '')
    setText(element('trouble-text'), trouble?.text ?? '')
    showFigures(element('figures'), figuresOf(row, moment))
    // Of a stream that was over before anybody looked there is none, and of one that just began there is no line yet.
    element('rate').hidden = row.rates.samples.length < (record.state === 'ended' ? 3 : 2)
    this.#rates.show(row.rates.samples, record.state === 'ended' ? null : moment.now)
    this.#drawLog(moment)
  }

  #drawLog(moment: Moment): void {
    const row = this.#row as Row
    const log = this.#log
    const ended = row.record.state === 'ended'
    // Until the worker has begun to show what comes.
    element('detail').ariaBusy = String(log === null && !ended)
    const empty = log === null || log.total === 0
    element('log').hidden = empty
    element('no-log').hidden = !empty
    const unseen = log === null ? '' : `${element('unseen').textContent} `
    setText(element('no-log'), ended ? OVER : `${unseen}Waiting for what comes next.`.trim())
    // Between two things there is the first.
    element('gaps').hidden = log === null || log.gaps.length === 0
    if (log === null) return
    setText(element('log-title'), TITLES[log.kind])
    setText(element('log-count'), countOf(log))
    setText(element('gap-count'), gapsOf(log))
    element('follow').hidden = this.#list.follows
    this.#gaps.show(log.gaps)
    this.#list.update()
    if (moment.now - this.#textAt >= TEXT_MS || log.total < FEW) {
      this.#textAt = moment.now
      this.#showTree()
      this.#drawText(log)
    }
    this.#drawGeneration(row, log)
  }

  #drawText(log: StreamLog): void {
    const text = log.text.slice(-TEXT_SHOWN)
    element('text-part').hidden = text === ''
    const cut = log.textCut + log.text.length - text.length
    setText(element('text-cut'), cut > 0 ? `${cut} characters before this are not shown.` : '')
    setText(element('text'), visibleLines(text))
  }

  #drawGeneration({ record }: Row, { generation }: StreamLog): void {
    element('generation').hidden = generation === null
    if (generation === null) return
    showFigures(element('generation-figures'), generationFigures(generation, record))
    const phases = generation.phases.map(({ phase, message, at }) => {
      const words = message === '' ? '' : `: ${message}`
      return `${formatMs(Math.max(0, at - record.startedAt))} ${phase.replaceAll('_', ' ')}${words}`
    })
    const list = element('phases')
    const shown = phases.join('\n')
    if (list.dataset['shown'] === shown) return
    list.dataset['shown'] = shown
    list.replaceChildren(
      ...phases.map((phase) => {
        const item = document.createElement('li')
        item.textContent = visible(phase)
        return item
      })
    )
  }

  /** The chosen event as a tree where it is JSON, else as it came. */
  #showTree(): void {
    const row = this.#list.row
    if (row === this.#treeOf) return
    this.#treeOf = row
    element('tree').replaceChildren(...(row?.text == null ? [] : [treeOf(row.text)]))
  }

  #forget(): void {
    this.#inflater?.close()
    this.#log = this.#inflater = null
    this.#treeOf = undefined
    this.#list.begin(null, 0)
    element('tree').replaceChildren()
    setText(element('text'), '')
    element('generation').hidden = true
    setText(element('unseen'), '')
  }
}

const OVER = 'It is over. Bytes are shown while they pass and this view is open, and are not kept.'

function treeOf(text: string): HTMLElement {
  if (/^\s*[{["]/.test(text)) {
    try {
      return jsonTree(JSON.parse(text))
    } catch {
      // It only begins like JSON, or is cut.
    }
  }
  const plain = document.createElement('pre')
  plain.textContent = visibleLines(text)
  return plain
}

function unseenOf({ received, sent }: { readonly received: number; readonly sent: number }): string {
  const parts = [
    received > 0 ? `${formatBytes(received)} to the page` : '',
    sent > 0 ? `${formatBytes(sent)} from the page` : ''
  ].filter((part) => part !== '')
  return parts.length > 0 ? `Not seen: ${parts.join(' and ')}, before this view was opened.` : ''
}

function countOf({ total, rows, missed }: StreamLog): string {
  const dropped = total - rows.length
  const parts = [
    String(total),
    dropped > 0 ? `the newest ${rows.length} are shown` : '',
    missed > 0 ? `${formatBytes(missed)} went by too fast to be shown` : ''
  ]
  return parts.filter((part) => part !== '').join(', ')
}

function gapsOf({ gaps }: StreamLog): string {
  if (gaps.length === 0) return ''
  return `${gaps.long} of 250 ms and more, the longest ${formatMs(gaps.longest)}`
}

function showFigures(list: HTMLElement, figures: readonly Figure[]): void {
  const names = figures.map(([name]) => name).join('\n')
  if (list.dataset['names'] !== names) {
    list.dataset['names'] = names
    list.replaceChildren(
      ...figures.map(([name]) => {
        const pair = document.createElement('div')
        pair.append(document.createElement('dt'), document.createElement('dd'))
        ;(pair.firstElementChild as HTMLElement).textContent = name
        return pair
      })
    )
  }
  for (const [index, [, value]] of figures.entries()) {
    setText((list.children[index] as HTMLElement).lastElementChild as HTMLElement, value)
  }
}
