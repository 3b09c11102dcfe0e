// What this extension asks of the browser that it runs in: types alone, one part for each world. A module beside this one
// gives them for one family of browsers, and `index.ts` says which module this build has.
//
// Where the families have an API in common it keeps the shape and the names that the browsers gave it.

/** Both ends of a runtime port, and the extension's end of a native one. */
export interface Port {
  /** @throws if the port is closed */
  postMessage(message: unknown): void
  disconnect(): void
  readonly onMessage: { addListener(listener: (message: unknown) => void): void }
  readonly onDisconnect: { addListener(listener: () => void): void }
}

/** Why a native port closed. Each family of browsers has its own texts for it, in `manifests/browsers.json`. */
export type CloseReason = 'not-found' | 'forbidden' | 'disabled' | 'not-started' | 'bad-frame' | 'exited'

/** Who opened a port, as the browser itself says it. No renderer can forge any of it. */
export interface Sender {
  readonly id?: string | undefined
  readonly origin?: string | undefined
  readonly url?: string | undefined
  readonly tab?: { readonly id?: number | undefined; readonly incognito: boolean } | undefined
  readonly frameId?: number | undefined
  readonly documentId?: string | undefined
}

/** A runtime port that another part of the extension opened. */
export interface IncomingPort extends Port {
  readonly name: string
  readonly sender?: Sender | undefined
}

/** The extension, as the browser names it. */
export interface Extension {
  readonly id: string
  /** Of its own pages. */
  readonly origin: string
}

/** The extension's frame in pages. */
export interface FrameAddress {
  /** Of `direct.html`, under the name that the browser gives it to pages. */
  readonly url: string
  /** The extension's own, which the frame has whatever its URL says. */
  readonly origin: string
}

export interface BrowserEvent<A extends unknown[] = []> {
  addListener(listener: (...args: A) => void): void
}

/** A storage area that no content script can open. */
export interface Storage {
  get(key: string): Promise<Record<string, unknown>>
  set(items: Record<string, unknown>): Promise<void>
}

/** A storage area in memory, which ends with the browser. No content script can open it. */
export interface SessionStorage extends Storage {
  get(keys: string | string[] | null): Promise<Record<string, unknown>>
  remove(keys: string[]): Promise<void>
}

/** What the browser's administrator set for the extension. */
export interface ManagedStorage {
  readonly managed: { get(keys: string[]): Promise<object> }
  /** Of every storage area, by its name. */
  readonly onChanged: BrowserEvent<[changes: object, area: string]>
}

/** Which sites the user lets the extension into, by match patterns. */
export interface Permissions {
  contains(wanted: { origins: string[] }): Promise<boolean>
  readonly onAdded: BrowserEvent
  readonly onRemoved: BrowserEvent
}

export interface ContentScript {
  readonly id: string
  readonly js: string[]
  readonly matches: string[]
  readonly excludeMatches: string[]
  readonly world: 'ISOLATED' | 'MAIN'
  readonly runAt: 'document_start' | 'document_idle'
  readonly allFrames: boolean
  readonly matchOriginAsFallback: boolean
}

/** Scripts that the browser puts into pages by itself. */
export interface Registrations {
  getRegisteredContentScripts(): Promise<{ readonly id: string }[]>
  registerContentScripts(scripts: ContentScript[]): Promise<void>
  unregisterContentScripts(filter: { ids: string[] }): Promise<void>
}

/** Running a function or files in documents that are open. */
export interface Injections {
  executeScript<R>(injection: {
    target: { tabId: number; allFrames?: true }
    func: () => R
    injectImmediately?: true
  }): Promise<{ readonly documentId: string; readonly frameId: number; readonly result?: Awaited<R> }[]>
  executeScript(injection: {
    target: { tabId: number; documentIds: string[] }
    files: string[]
    world: 'ISOLATED' | 'MAIN'
    /** Else when the document is idle. */
    injectImmediately: boolean
  }): Promise<unknown>
}

export interface Tab {
  readonly id?: number | undefined
  readonly url?: string | undefined
  readonly incognito: boolean
}

/** For the service worker. Events are to be listened to in the worker's first turn: what comes before is lost. */
export interface WorkerPlatform {
  readonly extension: Extension
  /** Whether this worker is the private windows' own. */
  readonly privateContext: boolean
  connectNative(host: string): Port
  /** Why a native port closed, if the browser says it; to be asked in the port's own `onDisconnect`. */
  closedBy(port: Port): CloseReason | undefined
  /** Once: it closes the area to content scripts. */
  closedStorage(): Storage
  /** One for both kinds of window. */
  readonly sessionStorage: SessionStorage
  readonly managedStorage: ManagedStorage
  readonly permissions: Permissions
  readonly scripting: Registrations & Injections
  readonly tabs: { query(filter: { discarded: boolean }): Promise<Tab[]> }
  readonly alarms: {
    get(name: string): Promise<object | undefined>
    create(name: string, when: { periodInMinutes: number }): Promise<void>
    readonly onAlarm: BrowserEvent<[alarm: { readonly name: string }]>
  }
  readonly onConnect: BrowserEvent<[port: IncomingPort]>
  readonly onInstalled: BrowserEvent
  readonly onStartup: BrowserEvent
  /** The writer's settings page, in a tab: the one that is open, if one is. */
  openSettings(): void
  /** Listen to the ports that the extension's frames send, and to what each says with it. */
  onDirectPort(listener: (token: unknown, port: MessagePort) => void): void
}

/** For the relay and the writer, content scripts. */
export interface RelayPlatform {
  /** @throws if the extension was reloaded or removed */
  connect(name: string): Port
  /** The extension that this script belongs to was reloaded or removed. */
  orphaned(): boolean
  frameAddress(): FrameAddress
}

/** For the frame that a relay puts into its page. */
export interface FramePlatform {
  /** Send the worker a port, which no content script can. */
  sendDirectPort(token: string, port: MessagePort): Promise<void>
}

/** For the popup. */
export interface PopupPlatform {
  connect(name: string): Port
  readonly permissions: Permissions & { request(wanted: { origins: string[] }): Promise<boolean> }
  readonly scripting: Injections
  readonly tabs: {
    get(id: number): Promise<Tab>
    query(filter: { active: boolean; currentWindow: boolean }): Promise<Tab[]>
    readonly onUpdated: BrowserEvent<[id: number, change: { readonly url?: string | undefined }]>
  }
}

/** For the dashboard. */
export interface DashboardPlatform {
  /** Whether it is the private windows' own. */
  readonly privateContext: boolean
  connect(name: string): Port
}

/** For the writer's settings page. */
export interface SettingsPlatform {
  connect(name: string): Port
  /** Closed to content scripts by the worker. */
  readonly storage: Storage
}
