// The relay: a content script in the isolated world.

import { BRIDGE_PORT } from '../shared/names'
import { offerDirectPort } from './direct-port'
import { handOver } from './handover'
import { Relay, type RelayWorld } from './relay'

const RUNNING = Symbol.for('longwire.relay')
const world: RelayWorld = {
  connect: () => chrome.runtime.connect({ name: BRIDGE_PORT }),
  // Chromium takes the id away when the extension context is invalidated.
  orphaned: () => chrome.runtime?.id === undefined,
  offerDirectPort: (inVain) => {
    const { origin } = new URL(chrome.runtime.getURL(''))
    return offerDirectPort(document, { url: chrome.runtime.getURL('direct.html'), origin }, inVain)
  }
}
const isolated = globalThis as { [RUNNING]?: RelayWorld }

// Two registrations may cover one page, and an injection may meet a relay that lives. A dead one is replaced.
if (isolated[RUNNING]?.orphaned() ?? true) {
  isolated[RUNNING] = world
  const relay = new Relay(world)
  handOver(window, relay.shimPort, world.orphaned)
  addEventListener('pagehide', ({ persisted }) => {
    if (persisted) relay.release()
  })
}
