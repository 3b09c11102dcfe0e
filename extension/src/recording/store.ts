// Where the extension keeps recordings: its own IndexedDB, which no page and no content script can open. A worker that is
// stopped loses nothing that was written, and a recording takes no memory of it. The private windows' is in memory.

import { committed, done, opened } from '../shared/indexed'

/** A recording that is kept. */
export interface KeptRecording {
  readonly id: string
  /** What it is of: an origin, or method and address of one stream. */
  readonly title: string
  /** Of the site that is recorded; null for one stream, and for an imported file. */
  readonly origin: string | null
  /** Of one stream: the dashboard's number of it. */
  readonly stream?: number
  readonly madeAt: string
  readonly state: 'running' | 'stopped' | 'full'
  readonly streams: number
  /** What it counts for, bytes. */
  readonly cost: number
  /** How many batches of lines it has. */
  readonly batches: number
}

export interface RecordingStore {
  all(): Promise<KeptRecording[]>
  /** Write what is known of one, and with it some of its lines, as one step. */
  put(recording: KeptRecording, lines?: string): Promise<void>
  /** Its lines, in order. */
  text(id: string): Promise<string>
  remove(id: string): Promise<void>
}

const NAME = 'longwire-recordings'
const RECORDINGS = 'recordings'
const BATCHES = 'batches'

/** The real one. Opened when it is first asked. */
export class IndexedRecordings implements RecordingStore {
  #database: Promise<IDBDatabase> | null = null

  async all(): Promise<KeptRecording[]> {
    return done((await this.#transaction('readonly')).objectStore(RECORDINGS).getAll() as IDBRequest<KeptRecording[]>)
  }

  async put(recording: KeptRecording, lines?: string): Promise<void> {
    const transaction = await this.#transaction('readwrite')
    transaction.objectStore(RECORDINGS).put(recording)
    if (lines !== undefined) transaction.objectStore(BATCHES).put(lines, [recording.id, recording.batches])
    await committed(transaction)
  }

  async text(id: string): Promise<string> {
    const transaction = await this.#transaction('readonly')
    const batches = await done(transaction.objectStore(BATCHES).getAll(batchesOf(id)) as IDBRequest<string[]>)
    return batches.join('')
  }

  async remove(id: string): Promise<void> {
    const transaction = await this.#transaction('readwrite')
    transaction.objectStore(RECORDINGS).delete(id)
    transaction.objectStore(BATCHES).delete(batchesOf(id))
    await committed(transaction)
  }

  async #transaction(mode: IDBTransactionMode): Promise<IDBTransaction> {
    this.#database ??= opened(NAME, (database) => {
      database.createObjectStore(RECORDINGS, { keyPath: 'id' })
      database.createObjectStore(BATCHES)
    })
    return (await this.#database).transaction([RECORDINGS, BATCHES], mode)
  }
}

/** In the order of their numbers. */
function batchesOf(id: string): IDBKeyRange {
  return IDBKeyRange.bound([id, 0], [id, Number.MAX_SAFE_INTEGER])
}
