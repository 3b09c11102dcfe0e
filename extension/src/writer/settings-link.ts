import { LongwireError } from '../page/errors'
import type { Port, RelayPlatform } from '../platform/platform'
import { WRITER_SETTINGS_PORT } from '../shared/names'
import type { FromWriter, ToWriter, WriterSettings } from '../shared/writer-settings'

const LOST = 'The Longwire extension stopped before it said what is set for the writer. Ask again.'

interface Asked {
  readonly resolve: (settings: WriterSettings) => void
  readonly reject: (error: LongwireError) => void
}

/**
 * What a person set for the writer, by way of the worker. The port is open while the worker lives, and is not opened again
 * before somebody asks: a worker that sleeps is not to be woken by every page.
 */
export class SettingsLink {
  readonly #platform: Pick<RelayPlatform, 'connect'>
  readonly #listeners = new Set<(settings: WriterSettings) => void>()
  #port: Port | null = null
  /** As last told by the port that is open. */
  #known: WriterSettings | null = null
  #asked: Asked[] = []

  constructor(platform: Pick<RelayPlatform, 'connect'>) {
    this.#platform = platform
  }

  /** What is set now. Rejects with BRIDGE_LOST, or with POLICY_DENIED where there is no writer. */
  current(): Promise<WriterSettings> {
    if (this.#port !== null && this.#known !== null) return Promise.resolve(this.#known)
    return new Promise((resolve, reject) => {
      this.#asked.push({ resolve, reject })
      try {
        this.#port ??= this.#connect()
      } catch {
        this.#fail(new LongwireError('BRIDGE_LOST', LOST, 'connect'))
      }
    })
  }

  /** Show a person the settings page. */
  open(): void {
    const message: FromWriter = { type: 'OPEN_SETTINGS' }
    this.#port ??= this.#connect()
    this.#port.postMessage(message)
  }

  /** @returns its undo */
  listen(listener: (settings: WriterSettings) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Give the port back: the page goes into the back/forward cache, where it would be closed. */
  release(): void {
    const port = this.#port
    this.#lost()
    try {
      port?.disconnect()
    } catch {
      // The extension is gone, and with it the other end.
    }
  }

  #connect(): Port {
    const port = this.#platform.connect(WRITER_SETTINGS_PORT)
    port.onMessage.addListener((message) => {
      if (port === this.#port) this.#receive(message as ToWriter)
    })
    port.onDisconnect.addListener(() => {
      if (port === this.#port) this.#lost()
    })
    return port
  }

  #receive(message: ToWriter): void {
    if (message.type === 'REFUSED') {
      this.#port = null
      return this.#fail(new LongwireError('POLICY_DENIED', message.message, 'policy'))
    }
    const first = this.#known === null
    const { settings } = message
    this.#known = settings
    for (const { resolve } of this.#asked.splice(0)) resolve(settings)
    // Whoever asked has been told what they are; what is told unasked is that they changed.
    if (!first) for (const listener of this.#listeners) listener(settings)
  }

  #lost(): void {
    this.#port = null
    this.#known = null
    this.#fail(new LongwireError('BRIDGE_LOST', LOST, 'connect'))
  }

  #fail(error: LongwireError): void {
    for (const { reject } of this.#asked.splice(0)) reject(error)
  }
}
