// What the extension's own pages do with recordings: popup and dashboard.

import { MAX_RECORDINGS_BYTES } from '../protocol/constants'
import { WorkerLink, type WorkerPort } from '../shared/worker-link'
import type { FromRecorder, ToRecorder } from './desk'
import { BadRecording, parseRecording } from './file'
import { IndexedRecordings, type KeptRecording, type RecordingStore } from './store'

/** Name of the runtime port between the extension's own pages and the recorder. */
export const RECORDER_PORT = 'longwire-recorder'

const FLUSH_PATIENCE_MS = 3_000

export interface ControlEvents {
  /** All that are kept, the newest first; again when something changes, and each second. */
  recordings(recordings: readonly KeptRecording[]): void
  /** What was asked for cannot be; for people. */
  refused(message: string): void
}

/** One page's hand on the recorder. */
export class RecorderControls {
  readonly #link: WorkerLink<ToRecorder, FromRecorder>
  readonly #store: RecordingStore
  readonly #version: string
  readonly #flushes = new Map<number, () => void>()
  #lastRequest = 0

  /** @param connect opens a runtime port of this name */
  constructor(
    connect: (name: string) => unknown,
    version: string,
    events: ControlEvents,
    store: RecordingStore = new IndexedRecordings()
  ) {
    this.#store = store
    this.#version = version
    this.#link = new WorkerLink<ToRecorder, FromRecorder>(
      () => connect(RECORDER_PORT) as WorkerPort<ToRecorder, FromRecorder>,
      (message) => {
        if (message.type === 'RECORDINGS') events.recordings(message.recordings)
        else if (message.type === 'NO_RECORDING') events.refused(message.message)
        else this.#flushes.get(message.request)?.()
      }
    )
  }

  /** Hear of the recordings from now on. */
  watch(): void {
    this.#link.watch({ type: 'LIST' })
  }

  /** Record what pages of an origin do. `privately`: the person was told that it is a private window. */
  startSite(origin: string, privately: boolean): void {
    this.#link.send({ type: 'RECORD_SITE', origin, private: privately })
  }

  /** Record the rest of a stream, by the dashboard's number of it. */
  startStream(stream: number, privately: boolean): void {
    this.#link.send({ type: 'RECORD_STREAM', stream, private: privately })
  }

  stop(recording: string): void {
    this.#link.send({ type: 'STOP', recording })
  }

  remove(recording: string): void {
    this.#link.send({ type: 'REMOVE', recording })
  }

  /** The text of a recording's file, up to now. */
  async text({ id, madeAt }: KeptRecording): Promise<string> {
    await this.#flush()
    const head = { longwire_recording: 1, made_by: `longwire ${this.#version}`, made_at: madeAt }
    return `${JSON.stringify(head)}\n${await this.#store.text(id)}`
  }

  /** Keep a file as a recording. @throws {BadRecording} it is none, or there is no room for it */
  async import(name: string, text: string): Promise<void> {
    const { streams } = parseRecording(text)
    const lines = text.slice(text.indexOf('\n') + 1)
    const taken = (await this.#store.all()).reduce((sum, { cost }) => sum + cost, 0)
    if (taken + lines.length > MAX_RECORDINGS_BYTES) {
      throw new BadRecording('The recordings take 256 MiB, which is the limit. Delete some first.')
    }
    const id = crypto.randomUUID()
    const kept = { id, title: name, origin: null, madeAt: new Date().toISOString(), state: 'stopped' } as const
    await this.#store.put({ ...kept, streams: streams.length, cost: lines.length, batches: 1 }, lines)
    this.watch()
  }

  /** What waits in the worker is written first. */
  async #flush(): Promise<void> {
    this.#lastRequest += 1
    const request = this.#lastRequest
    await new Promise<void>((resolve) => {
      this.#flushes.set(request, resolve)
      // A worker that does not answer is gone, and with it what waited.
      setTimeout(resolve, FLUSH_PATIENCE_MS)
      this.#link.send({ type: 'FLUSH', request })
    })
    this.#flushes.delete(request)
  }
}
