import { type GenerateOptions, type GenerationStream, generateBy } from '../client/generate'
import type { GenerationRequest } from '../client/generation'
import type { StatusReport } from '../page/api'
import { LongwireError } from '../page/errors'
import { type Fetch, fetchFunction, Shim } from '../page/shim'
import type { RelayPlatform } from '../platform/platform'
import { Relay } from '../relay/relay'
import { WRITER_PORT } from '../shared/names'
import type { WriterSettings } from '../shared/writer-settings'
import { SettingsLink } from './settings-link'

/** What the writer has of the host: by its own grants, which no script of the page has. */
export interface WriterHost {
  /**
   * `fetch`, carried out by the host; as `longwire.fetch` in a page.
   *
   * Rejects with a LongwireError. BRIDGE_LOST, where the extension was reloaded or removed meanwhile: this script is dead then,
   * and the page has to be reloaded.
   */
  readonly hostFetch: typeof fetch
  /** As `longwire.generate`. The stream fails with a StreamError that has the code of what `hostFetch` rejects with. */
  generate(request: GenerationRequest, options?: GenerateOptions): GenerationStream
  /** As `longwire.status()`: the destinations and providers of the writer on this page, and what is in their way. */
  status(): Promise<StatusReport>
  /** What a person set for the writer, as it is now. Rejects as `hostFetch`; with POLICY_DENIED where there is no writer. */
  settings(): Promise<WriterSettings>
  /**
   * Told of each change, while this page is looked at or was within the last half minute; `settings()` is certain.
   *
   * @returns its undo
   */
  onSettings(listener: (settings: WriterSettings) => void): () => void
  /** Show a person the settings page. Where the extension is gone, nothing happens. */
  openSettings(): void
  /** The extension that this script belongs to was reloaded, updated or removed: nothing of the above works any more. */
  orphaned(): boolean
}

/** What the writer needs of its document: the window. */
export interface WriterPage {
  addEventListener(type: 'pagehide' | 'pageshow', listener: (event: PageTransitionEvent) => void): void
}

const ORPHANED = 'The Longwire extension was reloaded, updated or removed. Reload this page.'

/**
 * The shim and the relay of a page, in one world and with a channel of their own between them: nothing is said on `window`, and
 * nothing of it is within reach of a script of the page.
 */
export function connectHost(platform: Pick<RelayPlatform, 'connect' | 'orphaned'>, page: WriterPage): WriterHost {
  const relay = new Relay({
    connect: () => platform.connect(WRITER_PORT),
    orphaned: () => platform.orphaned(),
    // Its answers are short. A frame would be something of the writer's in the page.
    offerDirectPort: () => null
  })
  // There is one relay for as long as this script lives, and it connects again by itself.
  const shim = new Shim(() => undefined)
  shim.channel.attach(relay.shimPort)
  const settings = new SettingsLink(platform)
  page.addEventListener('pagehide', ({ persisted }) => {
    if (!persisted) return
    relay.release()
    settings.release()
  })
  page.addEventListener('pageshow', ({ persisted }) => {
    if (persisted) shim.restored()
  })
  const hostFetch = fetchFunction(async (args) => {
    refuseOrphan(platform)
    return shim.fetch(args)
  }) as Fetch & typeof fetch
  return {
    hostFetch,
    generate: (request, options) => generateBy(hostFetch, request, options),
    status: async () => {
      refuseOrphan(platform)
      return shim.status()
    },
    settings: async () => {
      refuseOrphan(platform)
      return settings.current()
    },
    onSettings: (listener) => settings.listen(listener),
    openSettings: () => {
      if (!platform.orphaned()) settings.open()
    },
    orphaned: () => platform.orphaned()
  }
}

function refuseOrphan({ orphaned }: Pick<RelayPlatform, 'orphaned'>): void {
  if (orphaned()) throw new LongwireError('BRIDGE_LOST', ORPHANED, 'connect')
}
