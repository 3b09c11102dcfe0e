import { MAX_RECORDING_BYTES, MAX_RECORDINGS_BYTES, MIB } from '../protocol/constants'
import type { StreamHeaders, StreamStart } from '../protocol/native'
import type { KeptRecording, RecordingStore } from '../recording/store'
import { DURABLE_URL } from '../shared/names'
import type { BesideType, ObservedStream, Observer, Piece, StreamEnding, StreamEvents } from './observer'
import type { RequestHead } from './recorded-track'
import { RunningRecording } from './running-recording'
import type { SiteSwitches } from './site-switches'

/** A recording that cannot be. The message is for people, and says what to do. */
export class NoRecording extends Error {}

const LIMITS = { one: MAX_RECORDING_BYTES, all: MAX_RECORDINGS_BYTES, least: MIB }

const ENDED = 'This stream has ended.'
const NOT_BY_POLICY =
  'The policy keeps this stream out of recordings: the `features` of its grant lack "record". Whoever writes the policy can add it.'
const SWITCHED_OFF =
  'Recording is switched off for this site, in the popup of the Longwire extension. A person can switch it on there.'

/** What of a stream that lives is wanted if a recording joins it. */
interface Live {
  readonly head: RequestHead
  response: { readonly head: Readonly<StreamHeaders>; readonly at: number } | null
  received: number
}

/** What happened to a stream before it was known whether anybody records it. */
interface Early {
  readonly stream: ObservedStream
  readonly start: Readonly<StreamStart>
  readonly events: ((recording: RunningRecording) => void)[]
  readonly untap: () => void
}

/**
 * Records the streams of a site, or one, as long as somebody wants it: off by default. It listens to the observer, taps what
 * is recorded and nothing else, and writes to the store as it goes: a worker that is stopped goes on with the recordings
 * that run when it starts again, and has lost what came in the last half second, and streams that waited for their head.
 */
export class Recorder implements StreamEvents {
  readonly #observer: Observer
  readonly #store: RecordingStore
  readonly #isPrivate: boolean
  readonly #switches: Pick<SiteSwitches, 'recordable' | 'whenKnown'>
  readonly #limits: typeof LIMITS
  readonly #running = new Map<string, RunningRecording>()
  /** What they write at last. */
  readonly #stopping = new Set<Promise<void>>()
  readonly #live = new Map<ObservedStream, Live>()
  /** Null once it is known what runs. */
  #early: Map<ObservedStream, Early> | null = new Map()
  readonly #ready: Promise<void>
  readonly #changed = new Set<() => void>()

  /**
   * @param isPrivate whether this worker is the private windows' own
   * @param switches what a person switched off
   * @param limits what a recording, and what all together may count
   */
  constructor(
    observer: Observer,
    store: RecordingStore,
    isPrivate: boolean,
    switches: Pick<SiteSwitches, 'recordable' | 'whenKnown'>,
    limits = LIMITS
  ) {
    this.#switches = switches
    this.#limits = limits
    this.#observer = observer
    this.#store = store
    this.#isPrivate = isPrivate
    this.#ready = this.#goOn()
  }

  /** Call this when there is something new to list. @returns its undo */
  onChange(changed: () => void): () => void {
    this.#changed.add(changed)
    return () => this.#changed.delete(changed)
  }

  /** All that are kept, the newest first. */
  async list(): Promise<KeptRecording[]> {
    await this.#ready
    const kept = await this.#store.all()
    return kept.map((each) => this.#running.get(each.id)?.kept ?? each).sort((a, b) => (a.madeAt < b.madeAt ? 1 : -1))
  }

  /**
   * Record what pages of an origin do from now on.
   *
   * @param privately it is asked for in a private window, by somebody who was told so
   * @throws {NoRecording} also where a person switched it off for the site
   */
  async startSite(origin: string, privately: boolean): Promise<string> {
    await this.#ready
    this.#judge(privately, origin)
    const running = await this.#begin({ title: origin, origin }, () => this.#judge(privately, origin))
    return running.kept.id
  }

  /**
   * Record the rest of a stream, by the worker's number of it (`ObservedStream.id`).
   *
   * @param shownAs the number by which the extension's pages know it
   * @throws {NoRecording} there is none of this number, it is a socket, whose messages cannot be told apart midway, or the
   *   policy or a person wants no recording of it
   */
  async startStream(id: number, privately: boolean, shownAs = id): Promise<string> {
    await this.#ready
    const [stream, live] = [...this.#live].find(([each]) => each.id === id) ?? []
    if (stream === undefined || live === undefined) throw new NoRecording(ENDED)
    const judge = () => {
      this.#judge(privately, stream.page.origin)
      if (stream.recordable === false) throw new NoRecording(NOT_BY_POLICY)
      if (!this.#live.has(stream)) throw new NoRecording(ENDED)
    }
    judge()
    if (live.head.kind === 'websocket') {
      throw new NoRecording('A socket is recorded from its beginning: record its site, and open it again.')
    }
    const title = `${stream.method} ${placeOf(stream.url)}`
    const running = await this.#begin({ title, origin: null, stream: shownAs }, judge)
    running.begin(stream, live.head, () => this.#tap(running, stream), live.received)
    if (live.response !== null) running.headers(stream, live.response.head, live.response.at)
    return running.kept.id
  }

  async stop(id: string): Promise<void> {
    await this.#ready
    const running = this.#running.get(id)
    this.#running.delete(id)
    if (running !== undefined) {
      const stopping = running.stop()
      this.#stopping.add(stopping)
      await stopping.finally(() => this.#stopping.delete(stopping))
    }
    this.#tell()
  }

  /** A person switched something: what may not be recorded any more ends here, as when it is stopped. */
  async judgeAgain(): Promise<void> {
    await this.#ready
    const over = [...this.#running].filter(([, { origins }]) => [...origins].some((each) => !this.#recordable(each)))
    await Promise.all(over.map(([id]) => this.stop(id)))
  }

  /** Have all that was seen in the store. */
  async flush(): Promise<void> {
    await this.#ready
    await Promise.all([...[...this.#running.values()].map((running) => running.flush()), ...this.#stopping])
  }

  async remove(id: string): Promise<void> {
    await this.stop(id)
    await this.#store.remove(id)
    this.#tell()
  }

  /** The browser has started: what nobody saved is of yesterday. */
  async forget(): Promise<void> {
    await this.#ready
    const old = (await this.#store.all()).filter(({ madeAt }) => Date.parse(madeAt) < performance.timeOrigin)
    for (const { id } of old) await this.remove(id)
  }

  opened(stream: ObservedStream, start: Readonly<StreamStart>): void {
    const { headers, kind, protocols } = start
    const head: RequestHead = { headers, ...(kind && { kind }), ...(protocols && { protocols }) }
    this.#live.set(stream, { head, response: null, received: 0 })
    if (!this.#recordable(stream.page.origin)) return
    if (this.#early !== null) this.#early.set(stream, this.#wait(stream, start))
    else for (const running of this.#running.values()) this.#record(running, stream, start)
  }

  headers(stream: ObservedStream, head: Readonly<StreamHeaders>): void {
    const live = this.#live.get(stream)
    const at = performance.now()
    // The message itself is somebody else's.
    if (live !== undefined) live.response = { head: { ...head }, at }
    this.#each(stream, (running) => running.headers(stream, head, at))
    this.#endThoseOver()
  }

  chunk(stream: ObservedStream, offset: number, size: number): void {
    const live = this.#live.get(stream)
    if (live !== undefined) live.received = offset + size
  }

  message(stream: ObservedStream, type: BesideType): void {
    if (type !== 'STREAM_BODY_AGAIN') return
    const at = performance.now()
    this.#each(stream, (running) => running.again(stream, at))
  }

  ended(stream: ObservedStream, ending: StreamEnding): void {
    const at = performance.now()
    this.#live.delete(stream)
    this.#each(stream, (running) => running.ended(stream, ending, at))
    this.#endThoseOver()
  }

  /** Else each of them would go on to keep all that a recording may become for itself. */
  #endThoseOver(): void {
    for (const [id, { isOver }] of this.#running) if (isOver) void this.stop(id)
  }

  #judge(privately: boolean, origin: string): void {
    if (this.#isPrivate && !privately) throw new NoRecording('Private windows are recorded only if you say so.')
    if (!this.#recordable(origin)) throw new NoRecording(SWITCHED_OFF)
  }

  #recordable(origin: string): boolean {
    return this.#switches.recordable(origin)
  }

  /** @param judge throws if it may not be any more: called when the store has it */
  async #begin(what: Pick<KeptRecording, 'title' | 'origin' | 'stream'>, judge: () => void): Promise<RunningRecording> {
    const { origin } = what
    const all = await this.list()
    const same = all.find((each) => origin !== null && each.origin === origin && each.state === 'running')
    if (same !== undefined) throw new NoRecording(`${origin} is recorded already.`)
    const left = this.#limits.all - all.reduce((sum, { cost }) => sum + cost, 0)
    // Each that runs may become as large as it may.
    const going = [...this.#running.values()].filter(({ isRunning }) => isRunning)
    const promised = going.reduce((sum, { kept }) => sum + this.#limits.one - kept.cost, 0)
    const limit = Math.min(this.#limits.one, left - promised)
    if (limit < this.#limits.least)
      throw new NoRecording('The recordings take 256 MiB, which is the limit. Delete some first.')
    const madeAt = new Date().toISOString()
    const id = crypto.randomUUID()
    const kept = { ...what, id, madeAt, state: 'running', streams: 0, cost: 0, batches: 0 } as const
    await this.#store.put(kept)
    const running = this.#run(kept, limit)
    try {
      judge()
    } catch (error) {
      await this.remove(id)
      throw error
    }
    this.#tell()
    return running
  }

  #run(kept: KeptRecording, limit: number): RunningRecording {
    const running = new RunningRecording(this.#store, kept, limit, () => this.#tell())
    this.#running.set(kept.id, running)
    return running
  }

  /** With what ran when the worker was stopped. */
  async #goOn(): Promise<void> {
    await new Promise<void>((known) => this.#switches.whenKnown(known))
    try {
      for (const kept of await this.#store.all()) {
        if (kept.state !== 'running') continue
        // One stream's is over: its stream was of the worker that was stopped.
        const isOver = kept.origin === null || !this.#recordable(kept.origin)
        if (isOver) await this.#store.put({ ...kept, state: 'stopped' })
        else this.#run(kept, this.#limits.one)
      }
    } catch (error) {
      console.warn('Longwire: the recordings cannot be read', error)
    }
    const early = this.#early ?? new Map<ObservedStream, Early>()
    this.#early = null
    for (const { stream, start, events, untap } of early.values()) {
      untap()
      for (const running of this.#running.values()) {
        this.#record(running, stream, start)
        for (const event of events) event(running)
      }
    }
  }

  #wait(stream: ObservedStream, start: Readonly<StreamStart>): Early {
    const events: Early['events'] = []
    const untap = this.#observer.tap(stream, (_, piece) => void events.push((running) => running.piece(stream, piece)))
    return { stream, start, events, untap }
  }

  #record(running: RunningRecording, stream: ObservedStream, start: Readonly<StreamStart>): void {
    const live = this.#live.get(stream)
    if (running.kept.origin !== stream.page.origin) return
    running.begin(stream, live?.head ?? start, () => this.#tap(running, stream))
    running.body(stream, start)
  }

  #tap(running: RunningRecording, stream: ObservedStream): () => void {
    return this.#observer.tap(stream, (_, piece: Piece) => running.piece(stream, piece))
  }

  #each(stream: ObservedStream, act: (running: RunningRecording) => void): void {
    const early = this.#early?.get(stream)
    if (early !== undefined) early.events.push(act)
    else for (const running of this.#running.values()) act(running)
  }

  #tell(): void {
    for (const changed of this.#changed) changed()
  }
}

/** What a person calls it. */
function placeOf(url: string): string {
  if (url.startsWith(DURABLE_URL)) return 'durable requests'
  return new URL(url).host || 'a language model'
}
