// The relay: a content script in the isolated world.

import { relayPlatform } from '../platform'
import { BRIDGE_PORT } from '../shared/names'
import { offerDirectPort } from './direct-port'
import { handOver } from './handover'
import { Relay, type RelayWorld } from './relay'

const RUNNING = Symbol.for('longwire.relay')
const world: RelayWorld = {
  connect: () => relayPlatform.connect(BRIDGE_PORT),
  orphaned: () => relayPlatform.orphaned(),
  offerDirectPort: (inVain) => offerDirectPort(document, relayPlatform.frameAddress(), inVain)
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
