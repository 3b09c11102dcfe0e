// The recordings in the popup: record this site, stop, save, delete.

import type { ExportFormat } from '../exports'
import { RecorderControls } from '../recording/controls'
import type { KeptRecording } from '../recording/store'
import { actionOf, RecordingList } from '../recording-list/list'
import { element, setText } from '../shared/dom'

/** What is offered here; the dashboard has all forms. */
const OFFERED: readonly [ExportFormat, string][] = [
  ['recording', 'Save'],
  ['har', 'HAR']
]

export class Recordings {
  readonly #controls: RecorderControls
  readonly #list: RecordingList
  readonly #button = element('record') as HTMLButtonElement
  #recordings: readonly KeptRecording[] = []
  #origin: string | null = null
  #private = false

  constructor(connect: (name: string) => unknown) {
    this.#controls = new RecorderControls(connect, LONGWIRE_VERSION, {
      recordings: (recordings) => this.#show(recordings),
      refused: (message) => this.#say(message)
    })
    this.#list = new RecordingList({
      list: element('recording-list'),
      heading: element('recorder-title'),
      controls: this.#controls,
      say: (message) => this.#say(message),
      savers: (kept, save) => OFFERED.map(([format, name]) => actionOf(name, kept, () => save(format))),
      // This site's is stopped by the button above.
      stopsElsewhere: ({ origin }) => origin !== null && origin === this.#origin
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
    this.#list.show(recordings)
  }

  #say(message: string): void {
    element('recorder-note').hidden = message === ''
    setText(element('recorder-note'), message)
  }
}
