import type { Port, Storage } from '../platform/platform'
import { isOpenSettings, readWriterSettings, type ToWriter, WRITER_SETTINGS } from '../shared/writer-settings'

/** Tells the writers what a person set for them: their storage is closed to content scripts. */
export class WriterDesk {
  readonly #storage: Storage
  readonly #openSettings: () => void
  readonly #open = new Set<Port>()

  /** @param openSettings shows a person the settings page, which no page and no content script can open by itself */
  constructor(storage: Storage, openSettings: () => void) {
    this.#storage = storage
    this.#openSettings = openSettings
  }

  /**
   * @param refusal why there is no writer behind this port; null if there is. Asked once `when` says that it is known
   * @param when does something once the worker may serve, in the order of the calls. It holds messages back, not their
   *   listener: what arrives before there is one is lost.
   */
  open(port: Port, refusal: () => string | null, when: (act: () => void) => void = (act) => act()): void {
    port.onMessage.addListener((message) =>
      when(() => {
        if (this.#open.has(port) && isOpenSettings(message)) this.#openSettings()
      })
    )
    port.onDisconnect.addListener(() => when(() => this.#open.delete(port)))
    when(() => {
      const refused = refusal()
      if (refused !== null) {
        this.#post(port, { type: 'REFUSED', message: refused })
        return port.disconnect()
      }
      this.#open.add(port)
      void this.#tell([port])
    })
  }

  /** Somebody set something else. */
  async changed(): Promise<void> {
    await this.#tell(this.#open)
  }

  async #tell(ports: Iterable<Port>): Promise<void> {
    // A profile whose storage cannot be read has nothing set.
    const { [WRITER_SETTINGS]: stored } = await this.#storage.get(WRITER_SETTINGS).catch(() => ({}) as never)
    const message: ToWriter = { type: 'SETTINGS', settings: readWriterSettings(stored) }
    for (const port of ports) this.#post(port, message)
  }

  #post(port: Port, message: ToWriter): void {
    try {
      port.postMessage(message)
    } catch {
      // It closed, and its event is on the way.
    }
  }
}
