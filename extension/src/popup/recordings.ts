// The recordings in the popup: record this site, stop, save, delete.

import { type ExportFormat, exportAs } from '../exports'
import { RecorderControls } from '../recording/controls'
import { BadRecording } from '../recording/file'
import type { KeptRecording } from '../recording/store'
import { announce, element, setText } from '../shared/dom'
import { formatBytes } from '../shared/format'

/** What is offered here; the dashboard has all forms. */
const OFFERED: readonly [ExportFormat, string][] = [
  ['recording', 'Save'],
  ['har', 'HAR']
]

interface Row {
  readonly item: HTMLLIElement
  readonly figures: HTMLElement
  readonly stop: HTMLButtonElement
  kept: KeptRecording
}

export class Recordings {
  readonly #controls: RecorderControls
  readonly #list = element('recording-list')
  readonly #button = element('record') as HTMLButtonElement
  readonly #rows = new Map<string, Row>()
  #recordings: readonly KeptRecording[] = []
  #origin: string | null = null
  #private = false

  constructor(connect: (name: string) => unknown) {
    this.#controls = new RecorderControls(connect, LONGWIRE_VERSION, {
      recordings: (recordings) => this.#show(recordings),
      refused: (message) => this.#say(message)
    })
    this.#button.addEventListener('click', () => this.#toggle())
  }

  watch(origin: string | null, privateWindow: boolean): void {
    this.#origin = origin
    this.#private = privateWindow
    this.#controls.watch()
  }

  #toggle(): void {
    const running = this.#ofThisSite()
    this.#say('')
    if (running !== undefined) this.#controls.stop(running.id)
    else if (this.#origin !== null) this.#controls.startSite(this.#origin, this.#private)
  }

  #ofThisSite(): KeptRecording | undefined {
    return this.#recordings.find(({ origin, state }) => state === 'running' && origin === this.#origin)
  }

  #show(recordings: readonly KeptRecording[]): void {
    this.#recordings = recordings
    element('recorder').hidden = this.#origin === null && recordings.length === 0
    const running = this.#ofThisSite() !== undefined
    const start = this.#private ? 'Record this private site' : 'Record this site'
    setText(this.#button, running ? 'Stop recording' : start)
    this.#button.hidden = this.#origin === null
    this.#list.hidden = recordings.length === 0
    const ids = new Set(recordings.map(({ id }) => id))
    for (const [id, { item }] of this.#rows) {
      if (ids.has(id)) continue
      item.remove()
      this.#rows.delete(id)
    }
    for (const kept of recordings) this.#update(this.#rows.get(kept.id) ?? this.#add(kept), kept)
    const items = recordings.map(({ id }) => this.#rows.get(id)?.item).filter((item) => item !== undefined)
    if (items.some((item, index) => this.#list.children[index] !== item)) this.#list.replaceChildren(...items)
  }

  #add(kept: KeptRecording): Row {
    const item = make('li', '')
    const title = make('p', 'where')
    const figures = make('p', 'figures')
    title.textContent = kept.title
    const stop = this.#act('Stop', kept, () => this.#controls.stop(kept.id))
    const saves = OFFERED.map(([format, name]) => this.#act(name, kept, () => void this.#save(kept.id, format)))
    const actions = make('p', 'actions')
    actions.append(
      stop,
      ...saves,
      this.#act('Delete', kept, () => this.#controls.remove(kept.id))
    )
    item.append(title, figures, actions)
    const row = { item, figures, stop, kept }
    this.#rows.set(kept.id, row)
    return row
  }

  #act(name: string, { title }: KeptRecording, act: () => void): HTMLButtonElement {
    const button = make('button', '')
    button.type = 'button'
    button.textContent = name
    button.setAttribute('aria-label', `${name}: recording of ${title}`)
    button.addEventListener('click', act)
    return button
  }

  #update(row: Row, kept: KeptRecording): void {
    row.kept = kept
    // This site's is stopped by the button above.
    row.stop.hidden = kept.state !== 'running' || kept.origin === this.#origin
    setText(row.figures, figuresOf(kept))
  }

  async #save(id: string, format: ExportFormat): Promise<void> {
    const kept = this.#rows.get(id)?.kept
    if (kept === undefined) return
    try {
      const made = exportAs(format, await this.#controls.text(kept), LONGWIRE_VERSION)
      if (made !== null) download(made.blob, `${fileName(kept)}.${made.ending}`)
      announce('Saved')
    } catch (error) {
      if (!(error instanceof BadRecording)) throw error
      this.#say(kept.streams === 0 ? 'Nothing is recorded yet.' : error.message)
    }
  }

  #say(message: string): void {
    element('recorder-note').hidden = message === ''
    setText(element('recorder-note'), message)
  }
}

/** `3 streams · 1.2 MB · recording` */
export function figuresOf({ streams, cost, state }: Pick<KeptRecording, 'streams' | 'cost' | 'state'>): string {
  const what = { running: 'recording', stopped: null, full: 'full' }[state]
  const parts = [`${streams} ${streams === 1 ? 'stream' : 'streams'}`, formatBytes(cost), what]
  return parts.filter((part) => part !== null).join(' · ')
}

/** Nothing of a title means anything to a file system. */
export function fileName({ title, madeAt }: Pick<KeptRecording, 'title' | 'madeAt'>): string {
  const words = title.replace(/^https?:\/\//, '').replace(/[^A-Za-z0-9.-]+/g, '-')
  return `longwire-${words.slice(0, 60)}-${madeAt.slice(0, 19).replace(/[:T]/g, '-')}`
}

function make<K extends keyof HTMLElementTagNameMap>(tag: K, name: string): HTMLElementTagNameMap[K] {
  const made = document.createElement(tag)
  made.className = name
  return made
}

function download(blob: Blob, name: string): void {
  const link = document.createElement('a')
  link.href = URL.createObjectURL(blob)
  link.download = name
  link.click()
  // The browser has it by then.
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000)
}
