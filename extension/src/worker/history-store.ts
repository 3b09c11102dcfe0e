import type { SessionStorage } from '../platform/platform'
import { HISTORY_STREAMS, type StreamRecord } from '../shared/dashboard'
import type { History, Keeper } from './history'

/** Ended streams in one item of the storage. */
export const PIECE_STREAMS = 128

/** Changes are written together, this long after the first of them. */
export const WRITE_MS = 1_000

/** Characters of all pieces. The browsers keep 10 MiB for an extension, others' items among them. */
export const STORED_CHARS = 8 * 1_048_576

const LIVE = 'streams.live'
const PIECE = 'streams.ended.'

interface StoredPiece {
  readonly key: string
  chars: number
}

/**
 * Keeps the history in `storage.session`, or what private windows have for it: in memory, so nothing of it comes to a disk,
 * and there when the browser stops the worker. Pieces are packed: what 10,000 streams have in common is their greatest part.
 */
export class HistoryStore implements Keeper {
  readonly #storage: SessionStorage
  readonly #history: History
  readonly #later: (act: () => Promise<void>) => void
  /** Those that are full, and stored; the oldest first. */
  #pieces: StoredPiece[] = []
  /** Of the piece that is being filled. */
  #filling: Readonly<StreamRecord>[] = []
  #number = 0
  /** Raised when all is to be forgotten: what is being packed then is not to be stored. */
  #era = 0
  /** To be taken out of the storage. */
  #gone: string[] = []
  #dirty = { live: false, ended: false }
  #writing = false
  #waits = false
  /** What was stored before is in the history. */
  readonly ready: Promise<void>

  /** @param later does it after `WRITE_MS` */
  constructor(
    storage: SessionStorage,
    history: History,
    later: (act: () => Promise<void>) => void = (act) => setTimeout(act, WRITE_MS)
  ) {
    this.#storage = storage
    this.#history = history
    this.#later = later
    this.ready = this.#restore()
  }

  ended(record: Readonly<StreamRecord>): void {
    this.#filling.push(record)
    this.#dirty.ended = true
    this.#schedule()
  }

  liveChanged(): void {
    this.#dirty.live = true
    this.#schedule()
  }

  clear(): void {
    this.#gone.push(...this.#pieces.map(({ key }) => key), this.#key())
    this.#era += 1
    this.#number += 1
    this.#pieces = []
    this.#filling = []
    this.#dirty.ended = false
    this.#schedule()
  }

  #key(): string {
    return `${PIECE}${this.#number}`
  }

  async #keys(): Promise<string[]> {
    const stored = await this.#storage.get(null).catch(() => ({}))
    return Object.keys(stored).filter((key) => key.startsWith(PIECE))
  }

  async #restore(): Promise<void> {
    try {
      const stored = await this.#storage.get(null)
      const pieces = Object.entries(stored)
        .filter((item): item is [string, string] => item[0].startsWith(PIECE) && typeof item[1] === 'string')
        .map(([key, text]) => ({ key, text, number: Number(key.slice(PIECE.length)) }))
        .sort((one, other) => one.number - other.number)
      const records: StreamRecord[] = []
      for (const { text } of pieces) records.push(...(await unpack(text)))
      this.#pieces = pieces.map(({ key, text }) => ({ key, chars: text.length }))
      this.#number = (pieces.at(-1)?.number ?? -1) + 1
      const lived = typeof stored[LIVE] === 'string' ? await unpack(stored[LIVE]) : []
      const cut = lived.map(endedWithItsWorker)
      this.#filling.unshift(...cut)
      this.#dirty.ended ||= cut.length > 0
      this.#history.restore([...records, ...cut])
    } catch (error) {
      // What cannot be read makes room for what comes.
      this.#gone.push(...(await this.#keys()))
      complain(error)
    }
    this.#dirty.live = true
    this.#schedule()
  }

  #schedule(): void {
    if (this.#waits) return
    this.#waits = true
    this.#later(() => this.#write())
  }

  async #write(): Promise<void> {
    await this.ready
    if (this.#writing) return this.#later(() => this.#write())
    this.#waits = false
    this.#writing = true
    try {
      const gone = this.#gone.splice(0)
      if (gone.length > 0) await this.#storage.remove(gone)
      await this.#writeEnded()
      if (this.#dirty.live) {
        this.#dirty.live = false
        await this.#set({ [LIVE]: await pack([...this.#history.live()]) })
      }
    } catch (error) {
      complain(error)
    }
    this.#writing = false
  }

  async #writeEnded(): Promise<void> {
    while (this.#dirty.ended) {
      const era = this.#era
      const records = this.#filling.slice(0, PIECE_STREAMS)
      const key = this.#key()
      const full = records.length === PIECE_STREAMS
      this.#dirty.ended = this.#filling.length > PIECE_STREAMS
      if (full) {
        this.#filling = this.#filling.slice(PIECE_STREAMS)
        this.#number += 1
        this.#dirty.ended ||= this.#filling.length > 0
      }
      const text = await pack(records)
      if (era !== this.#era) {
        // Some of it may have been stored before.
        this.#gone.push(key)
        this.#schedule()
        continue
      }
      if (full) this.#pieces.push({ key, chars: text.length })
      await this.#trim(text.length)
      await this.#set({ [key]: text })
    }
  }

  /** Make room: those that are no longer among the newest, and those that are too much. */
  async #trim(more: number): Promise<void> {
    const gone: string[] = []
    const chars = () => this.#pieces.reduce((sum, piece) => sum + piece.chars, more)
    while (
      this.#pieces.length > 1 &&
      (this.#pieces.length > HISTORY_STREAMS / PIECE_STREAMS + 1 || chars() > STORED_CHARS)
    ) {
      gone.push((this.#pieces.shift() as StoredPiece).key)
    }
    if (gone.length > 0) await this.#storage.remove(gone)
  }

  /** As much as the storage takes: the oldest pieces go for what is new. */
  async #set(items: Record<string, unknown>): Promise<void> {
    for (;;) {
      try {
        return await this.#storage.set(items)
      } catch (error) {
        const oldest = this.#pieces.shift()
        if (oldest === undefined) throw error
        await this.#storage.remove([oldest.key])
      }
    }
  }
}

/** A stream that lived when its worker was stopped: its page had a `BRIDGE_LOST`, and its host is gone. */
function endedWithItsWorker(record: StreamRecord): StreamRecord {
  const message = 'The browser stopped the extension’s worker, and this stream with it. The page may ask again.'
  const phase = record.status > 0 ? 'body' : 'headers'
  return {
    ...record,
    state: 'ended',
    // When it was last heard of: nobody saw the end.
    endedAt: Math.max(0, record.lastByteAt, record.headersAt ?? 0),
    ending: { how: 'error', by: 'extension', code: 'BRIDGE_LOST', message, phase, retryable: true }
  }
}

async function pack(records: readonly Readonly<StreamRecord>[]): Promise<string> {
  const packed = new Blob([JSON.stringify(records)]).stream().pipeThrough(new CompressionStream('gzip'))
  return new Uint8Array(await new Response(packed).arrayBuffer()).toBase64()
}

async function unpack(text: string): Promise<StreamRecord[]> {
  const plain = new Blob([Uint8Array.fromBase64(text)]).stream().pipeThrough(new DecompressionStream('gzip'))
  return (await new Response(plain).json()) as StreamRecord[]
}

function complain(error: unknown): void {
  console.warn('Longwire: the history of streams could not be kept', error)
}
