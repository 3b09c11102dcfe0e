import { type ExportFormat, exportAs, FORMATS } from '../exports'
import type { RecorderControls } from '../recording/controls'
import { BadRecording } from '../recording/file'
import type { KeptRecording } from '../recording/store'
import { announce, setText } from '../shared/dom'
import { visible } from '../shared/text'
import { download, figuresOf, fileName } from './saving'

/** What the list needs of its page. */
export interface ListPage {
  readonly list: HTMLElement
  /** Gets the focus where what had it is gone. */
  readonly heading: HTMLElement
  readonly controls: Pick<RecorderControls, 'stop' | 'remove' | 'text'>
  /** Tell a person; an empty text takes back what was told. */
  readonly say: (message: string) => void
  /** What a recording is saved with; each part calls `save`. */
  readonly savers: (kept: KeptRecording, save: (format: ExportFormat) => void) => readonly HTMLElement[]
  /** Another control of the page stops this one. */
  readonly stopsElsewhere: (kept: KeptRecording) => boolean
}

interface Row {
  readonly item: HTMLLIElement
  readonly figures: HTMLElement
  readonly stop: HTMLButtonElement
  kept: KeptRecording
}

/** Nothing of a form that a recording has nothing of: what that is. */
const LACKS: Record<ExportFormat, string> = {
  recording: '',
  har: '',
  json: '',
  curl: 'There is no request in it that curl could send: it sends those of http: and https:.',
  sse: 'There is no event stream in it.',
  text: 'There is no text of an answer in it.'
}

/** Recordings, the newest first, each with what can be done with it. Rows stay and change in place. */
export class RecordingList {
  readonly #page: ListPage
  readonly #rows = new Map<string, Row>()

  constructor(page: ListPage) {
    this.#page = page
  }

  show(recordings: readonly KeptRecording[]): void {
    const { list } = this.#page
    list.hidden = recordings.length === 0
    const ids = new Set(recordings.map(({ id }) => id))
    for (const [id, { item }] of this.#rows) if (!ids.has(id)) this.#remove(id, item)
    for (const kept of recordings) this.#update(this.#rows.get(kept.id) ?? this.#add(kept), kept)
    const items = recordings.map(({ id }) => this.#rows.get(id)?.item).filter((item) => item !== undefined)
    if (items.some((item, index) => list.children[index] !== item)) list.replaceChildren(...items)
  }

  #add(kept: KeptRecording): Row {
    const { controls, savers } = this.#page
    const item = make('li', '')
    const title = make('p', 'where')
    const figures = make('p', 'figures')
    title.textContent = title.title = visible(kept.title)
    const stop = actionOf('Stop', kept, () => controls.stop(kept.id))
    const remove = actionOf('Delete', kept, () => {
      controls.remove(kept.id)
      announce('Deleted')
    })
    const actions = make('p', 'actions')
    actions.append(stop, ...savers(kept, (format) => void this.#save(kept.id, format)), remove)
    item.append(title, figures, actions)
    const row = { item, figures, stop, kept }
    this.#rows.set(kept.id, row)
    return row
  }

  #update(row: Row, kept: KeptRecording): void {
    row.kept = kept
    row.stop.hidden = kept.state !== 'running' || this.#page.stopsElsewhere(kept)
    setText(row.figures, figuresOf(kept))
  }

  #remove(id: string, item: HTMLElement): void {
    const focused = item.contains(document.activeElement)
    this.#rows.delete(id)
    item.remove()
    if (focused) this.#page.heading.focus()
  }

  async #save(id: string, format: ExportFormat): Promise<void> {
    const { controls, say } = this.#page
    const kept = this.#rows.get(id)?.kept
    if (kept === undefined) return
    say('')
    try {
      const made = exportAs(format, await controls.text(kept), LONGWIRE_VERSION)
      if (made === null) return say(LACKS[format])
      download(made.blob, `${fileName(kept)}.${made.ending}`)
      announce('Saved')
    } catch (error) {
      if (!(error instanceof BadRecording)) throw error
      say(kept.streams === 0 ? 'Nothing is recorded yet.' : error.message)
    }
  }
}

/** A button of a recording's row, which says of which to those who do not see it. */
export function actionOf(name: string, { title }: KeptRecording, act: () => void): HTMLButtonElement {
  const button = make('button', '')
  button.type = 'button'
  button.textContent = name
  button.setAttribute('aria-label', `${name}: recording of ${visible(title)}`)
  button.addEventListener('click', act)
  return button
}

const NAMES: Record<ExportFormat, string> = {
  recording: 'Recording',
  har: 'HAR',
  json: 'JSON',
  sse: 'Event stream (.sse)',
  curl: 'curl commands (.sh)',
  text: 'Text of the answers'
}

/** A choice of all forms, and the button that saves the chosen one. */
export function choiceOfForms(kept: KeptRecording, save: (format: ExportFormat) => void): HTMLElement[] {
  const choice = make('select', '')
  choice.setAttribute('aria-label', `Form to save: recording of ${visible(kept.title)}`)
  for (const format of FORMATS) choice.append(new Option(NAMES[format], format))
  return [choice, actionOf('Save', kept, () => save(choice.value as ExportFormat))]
}

function make<K extends keyof HTMLElementTagNameMap>(tag: K, name: string): HTMLElementTagNameMap[K] {
  const made = document.createElement(tag)
  made.className = name
  return made
}
