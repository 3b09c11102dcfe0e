// The writer: a content script in the isolated world, in the top frames of the pages that the policy has for it.

import { relayPlatform } from '../platform'
import { connectHost, type WriterHost } from './host'
import { start } from './start'

const RUNNING = Symbol.for('longwire.writer')

interface Running {
  readonly host: WriterHost
  readonly stop: () => void
}

const isolated = globalThis as { [RUNNING]?: Running }

function run(): void {
  // Two registrations may cover one page, and an injection may meet a writer that lives. A dead one is replaced.
  const before = isolated[RUNNING]
  if (before !== undefined && !before.host.orphaned()) return
  before?.stop()
  const host = connectHost(relayPlatform, window)
  isolated[RUNNING] = { host, stop: start(host) }
}

// A page that is made ready before anybody looks at it is in no tab yet, and the worker serves the top frame of a tab alone.
if (document.prerendering) document.addEventListener('prerenderingchange', run, { once: true })
else run()
