import type { Extension, Sender } from '../platform/platform'
import { COUNTED, type FromDashboard, type StreamRecord, UPDATE_MS, type Update } from '../shared/dashboard'
import { DASHBOARD_PAGE } from '../shared/names'
import type { History, HistoryWatcher } from './history'
import { isOwnPage } from './identity'
import { Look } from './look'
import type { Observer } from './observer'
import type { PopupPort } from './popup'

/** Records of one update, where all are told: a message of ten thousand would hold up those of streams. */
export const UPDATE_RECORDS = 1_000

/** Whether the extension's own dashboard holds the other end of a port, as the whole of a tab. */
export function isDashboard(sender: Sender | undefined, extension: Extension): boolean {
  return sender?.frameId === 0 && isOwnPage(sender, extension, DASHBOARD_PAGE)
}

/** What the worker itself knows of the host. */
export interface HostSigns {
  /** What was sent waits for the host to start. */
  readonly starting: boolean
  /** On the wall clock, milliseconds; 0: never. */
  readonly heardAt: number
}

/** What a desk needs of the worker. */
export interface DeskWorld {
  readonly history: History
  readonly observer: Pick<Observer, 'tap'>
  readonly host: () => HostSigns
  /** End this stream, by the worker's own number. */
  readonly stop: (stream: number) => void
  /** On the wall clock, milliseconds. */
  readonly now: () => number
  readonly later: (act: () => void, ms: number) => void
}

/** Tells open dashboards how all streams come along. While there is none, it does nothing and nobody calls it. */
export class DashboardDesk implements HistoryWatcher {
  readonly #world: DeskWorld
  readonly #open = new Set<DashboardSession>()

  constructor(world: DeskWorld) {
    this.#world = world
  }

  /**
   * A dashboard opened. The caller has made sure that it is one.
   *
   * @param when does something once the history is there, in the order of the calls
   */
  open(port: PopupPort, when: (act: () => void) => void = (act) => act()): void {
    const session = new DashboardSession(port, this.#world, () => this.#clear())
    this.#open.add(session)
    this.#world.history.watcher = this
    port.onMessage.addListener((message) => when(() => session.receive(message as FromDashboard)))
    port.onDisconnect.addListener(() =>
      when(() => {
        session.close()
        this.#open.delete(session)
        if (this.#open.size === 0) this.#world.history.watcher = null
      })
    )
  }

  #clear(): void {
    this.#world.history.clear()
    for (const session of this.#open) session.all()
  }

  turned(record: Readonly<StreamRecord>): void {
    for (const session of this.#open) session.turned(record)
  }

  counted(record: Readonly<StreamRecord>): void {
    for (const session of this.#open) session.counted(record)
  }
}

class DashboardSession {
  readonly #port: PopupPort
  readonly #world: DeskWorld
  readonly #clear: () => void
  #turned = new Set<Readonly<StreamRecord>>()
  #counted = new Set<Readonly<StreamRecord>>()
  #anew = false
  /** What is still to be told of all there was. */
  #backlog: Readonly<StreamRecord>[] = []
  /** It has asked. */
  #watching = false
  /** The last update was taken. */
  #ready = true
  /** The next one is due already. */
  #due = false
  #sentAt = Number.NEGATIVE_INFINITY
  #look: Look | null = null
  /** It has not been told what it looks at now. */
  #looksAnew = false

  /** @param clear have the streams that ended forgotten, by all */
  constructor(port: PopupPort, world: DeskWorld, clear: () => void) {
    this.#port = port
    this.#world = world
    this.#clear = clear
  }

  receive(message: FromDashboard): void {
    if (message.type === 'WATCH') this.all()
    else if (message.type === 'GOT') this.#got()
    else if (message.type === 'LOOK') this.#lookAt(message.stream)
    else if (message.type === 'HERE') this.#soon()
    else if (message.type === 'CLEAR') this.#clear()
    else {
      const [stream] = this.#world.history.find(message.stream) ?? []
      if (stream !== undefined) this.#world.stop(stream.id)
    }
  }

  close(): void {
    this.#watching = false
    this.#look?.close()
    this.#look = null
  }

  turned(record: Readonly<StreamRecord>): void {
    this.#turned.add(record)
    this.#soon()
  }

  counted(record: Readonly<StreamRecord>): void {
    this.#counted.add(record)
    this.#soon()
  }

  /** Tell all there is. */
  all(): void {
    this.#watching = true
    this.#anew = true
    this.#backlog = this.#world.history.all()
    this.#ready = true
    this.#soon()
  }

  #got(): void {
    this.#ready = true
    const waiting = this.#backlog.length > 0 || this.#looksAnew || this.#turned.size > 0 || this.#counted.size > 0
    if (waiting || this.#look?.waiting) this.#soon()
  }

  #lookAt(id: number | null): void {
    this.#look?.close()
    const { history, observer, now } = this.#world
    const found = id === null ? undefined : history.find(id)
    this.#look = found === undefined ? null : new Look(...found, observer, now, () => this.#soon())
    this.#looksAnew = true
    this.#soon()
  }

  #soon(): void {
    if (!this.#watching || !this.#ready || this.#due) return
    this.#due = true
    const { now, later } = this.#world
    later(() => this.#tell(), Math.max(0, this.#sentAt + UPDATE_MS - now()))
  }

  #tell(): void {
    this.#due = false
    if (!this.#watching) return
    const { host, now } = this.#world
    const anew = this.#anew
    const told = new Set([...this.#turned, ...this.#backlog.splice(0, UPDATE_RECORDS)])
    const counted = [...this.#counted].filter((record) => !told.has(record))
    this.#turned = new Set()
    this.#counted = new Set()
    this.#anew = this.#looksAnew = false
    const { starting, heardAt } = host()
    const at = now()
    const update: Update = {
      anew,
      at,
      hostStarts: starting,
      hostHeardAt: heardAt,
      records: [...told],
      counts: countsOf(counted),
      looked: this.#look?.of ?? null,
      pieces: this.#look?.take() ?? []
    }
    this.#ready = false
    this.#sentAt = at
    try {
      this.#port.postMessage(update)
    } catch {
      // The dashboard closed and its event is on the way.
    }
  }
}

function countsOf(records: readonly Readonly<StreamRecord>[]): Float64Array<ArrayBuffer> {
  const counts = new Float64Array(records.length * (COUNTED.length + 1))
  let i = 0
  for (const record of records) {
    counts[i++] = record.id
    for (const name of COUNTED) counts[i++] = record[name]
  }
  return counts
}
