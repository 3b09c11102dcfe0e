import type { Extension, Sender } from '../platform/platform'
import type { FromRecorder, ToRecorder } from '../recording/desk'
import { DASHBOARD_PAGE, POPUP_PAGE } from '../shared/names'
import { isOwnPage } from './identity'
import { NoRecording, type Recorder } from './recorder'

/** How often a page that looks on hears how the recordings grow. */
export const LIST_INTERVAL_MS = 1_000

/** What the desk needs of a runtime port. */
export interface RecorderPort {
  postMessage(message: unknown): void
  readonly onMessage: { addListener(listener: (message: unknown) => void): void }
  readonly onDisconnect: { addListener(listener: () => void): void }
}

/** Whether one of the pages that have to do with recordings holds the other end of a port. */
export function isRecordersPage(sender: Sender | undefined, extension: Extension): boolean {
  return [POPUP_PAGE, DASHBOARD_PAGE].some((page) => isOwnPage(sender, extension, page))
}

/** Does what the extension's own pages ask of the recorder. The caller has made sure that it is one. */
export class RecorderDesk {
  readonly #recorder: Recorder
  readonly #numberOf: (shown: number) => number | undefined

  /** @param numberOf the worker's own number of a stream that lives, by the dashboard's */
  constructor(recorder: Recorder, numberOf: (shown: number) => number | undefined) {
    this.#recorder = recorder
    this.#numberOf = numberOf
  }

  open(port: RecorderPort): void {
    const say = (message: FromRecorder) => {
      try {
        port.postMessage(message)
      } catch {
        // The page closed and its event is on the way.
      }
    }
    const list = async () => say({ type: 'RECORDINGS', recordings: await this.#recorder.list() })
    const undo = this.#recorder.onChange(() => void list())
    const timer = setInterval(() => void list(), LIST_INTERVAL_MS)
    port.onDisconnect.addListener(() => {
      undo()
      clearInterval(timer)
    })
    port.onMessage.addListener(async (message) => {
      try {
        await this.#act(message as ToRecorder, say, list)
      } catch (error) {
        if (!(error instanceof NoRecording)) console.warn('Longwire: the recorder failed', error)
        const text = error instanceof NoRecording ? error.message : 'The browser’s storage failed.'
        say({ type: 'NO_RECORDING', message: text })
      }
    })
  }

  async #act(message: ToRecorder, say: (message: FromRecorder) => void, list: () => Promise<void>): Promise<void> {
    switch (message.type) {
      case 'LIST':
        return list()
      case 'RECORD_SITE':
        await this.#recorder.startSite(message.origin, message.private)
        return
      case 'RECORD_STREAM':
        // None has this number, and so it has ended.
        await this.#recorder.startStream(this.#numberOf(message.stream) ?? 0, message.private, message.stream)
        return
      case 'STOP':
        return this.#recorder.stop(message.recording)
      case 'REMOVE':
        return this.#recorder.remove(message.recording)
      case 'FLUSH':
        await this.#recorder.flush()
        say({ type: 'FLUSHED', request: message.request })
    }
  }
}
