// The recordings in the dashboard: one stream's and a site's begin and end here, all are listed, saved and deleted, and files
// come back in.

import { MAX_RECORDING_BYTES, MIB } from '../protocol/constants'
import { RecorderControls } from '../recording/controls'
import { BadRecording } from '../recording/file'
import type { KeptRecording } from '../recording/store'
import { choiceOfForms, RecordingList } from '../recording-list/list'
import type { StreamRecord } from '../shared/dashboard'
import { announce, element, setText } from '../shared/dom'
import { visible } from '../shared/text'

/** What a file may have for each byte that it records: base64, or a text in which every character is escaped. */
const FILE_BYTES_PER_BYTE = 6

/** The panel of recordings, and the button in the view of a stream. */
export class RecorderPanel {
  readonly #controls: RecorderControls
  readonly #list: RecordingList
  readonly #private: boolean
  readonly #pages: () => Iterable<string>
  readonly #site = element<HTMLSelectElement>('site')
  readonly #file = element<HTMLInputElement>('import-file')
  #recordings: readonly KeptRecording[] = []
  #record: StreamRecord | null = null

  /**
   * @param connect opens a runtime port of this name
   * @param privateWindow it is the private windows' own
   * @param pages origins of the pages that stream, or did
   * @param close the panel is not wanted any more
   */
  constructor(
    connect: (name: string) => unknown,
    privateWindow: boolean,
    pages: () => Iterable<string>,
    close: () => void
  ) {
    this.#private = privateWindow
    this.#pages = pages
    this.#controls = new RecorderControls(connect, LONGWIRE_VERSION, {
      recordings: (recordings) => this.#show(recordings),
      refused: (message) => this.#say(message)
    })
    this.#list = new RecordingList({
      list: element('recording-list'),
      heading: element('recorder-title'),
      controls: this.#controls,
      say: (message) => this.#say(message),
      savers: choiceOfForms,
      stopsElsewhere: () => false
    })
    element('recorder-private').hidden = !privateWindow
    element('recorder-close').addEventListener('click', close)
    element('detail-record').addEventListener('click', () => this.#toggleStream())
    element('site-record').addEventListener('click', () => this.#toggleSite())
    this.#site.addEventListener('change', () => this.#drawSite())
    element('import').addEventListener('click', () => this.#file.click())
    this.#file.addEventListener('change', () => void this.#import())
    this.#controls.watch()
  }

  get isOpen(): boolean {
    return !element('recorder').hidden
  }

  open(): void {
    element('recorder').hidden = false
    this.#offer()
    element('recorder-title').focus()
  }

  close(): void {
    element('recorder').hidden = true
    this.#say('')
  }

  /** The stream that is shown, as it is now; null: none. */
  stream(record: StreamRecord | null): void {
    if (record?.id !== this.#record?.id) this.#say('')
    this.#record = record
    this.#drawStream()
  }

  #offer(): void {
    const chosen = this.#site.value
    const origins = [...new Set(this.#pages())].sort()
    // A choice that somebody has opened stays as it is, unless there is something new.
    if (origins.join(' ') === [...this.#site.options].map(({ value }) => value).join(' ')) return
    this.#site.replaceChildren(...origins.map((origin) => new Option(visible(origin), origin)))
    if (origins.includes(chosen)) this.#site.value = chosen
    element('record-site').hidden = origins.length === 0
    element('no-site').hidden = origins.length > 0
    this.#drawSite()
  }

  #show(recordings: readonly KeptRecording[]): void {
    this.#recordings = recordings
    if (this.isOpen) this.#offer()
    element('no-recordings').hidden = recordings.length > 0
    setText(element('recordings-count'), recordings.length > 0 ? String(recordings.length) : '')
    element('recordings').classList.toggle('running', recordings.some(isRunning))
    this.#list.show(recordings)
    this.#drawSite()
    this.#drawStream()
  }

  #ofStream(): KeptRecording | undefined {
    return this.#recordings.find((kept) => isRunning(kept) && kept.stream === this.#record?.id)
  }

  #ofSite(): KeptRecording | undefined {
    return this.#recordings.find((kept) => isRunning(kept) && kept.origin === this.#site.value)
  }

  #drawStream(): void {
    const record = this.#record
    if (record === null) return
    const running = this.#ofStream() !== undefined
    const start = this.#private ? 'Record this private stream' : 'Record'
    setText(element('detail-record'), running ? 'Stop recording' : start)
    element('detail-record').hidden = record.state === 'ended' || record.state === 'ending'
  }

  #drawSite(): void {
    const start = this.#private ? 'Record this private site' : 'Record it'
    setText(element('site-record'), this.#ofSite() === undefined ? start : 'Stop recording')
  }

  #toggleStream(): void {
    const running = this.#ofStream()
    this.#say('')
    if (running !== undefined) this.#controls.stop(running.id)
    else if (this.#record !== null) this.#controls.startStream(this.#record.id, this.#private)
  }

  #toggleSite(): void {
    const running = this.#ofSite()
    this.#say('')
    if (running !== undefined) this.#controls.stop(running.id)
    else if (this.#site.value !== '') this.#controls.startSite(this.#site.value, this.#private)
  }

  async #import(): Promise<void> {
    const [file] = this.#file.files ?? []
    if (file === undefined) return
    this.#say('')
    try {
      if (file.size > FILE_BYTES_PER_BYTE * MAX_RECORDING_BYTES) {
        throw new BadRecording(`The file is too large: a recording has ${MAX_RECORDING_BYTES / MIB} MiB at most.`)
      }
      await this.#controls.import(file.name, await file.text())
      announce('Imported')
    } catch (error) {
      if (!(error instanceof BadRecording)) throw error
      this.#say(error.message)
    }
    // The same file again is a change, too.
    this.#file.value = ''
  }

  /** Wherever the person looks. */
  #say(message: string): void {
    for (const id of ['recorder-note', 'detail-note']) {
      element(id).hidden = message === ''
      setText(element(id), visible(message))
    }
  }
}

function isRunning({ state }: KeptRecording): boolean {
  return state === 'running'
}
