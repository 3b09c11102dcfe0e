// The shim: a content script in the page's own world, run before any script of the page.

import { addListener, bare, defineProperty, eventPersisted, freeze, hasOwn } from './builtins'
import { announceShim, receivePorts } from './handover'
import type { LongwireInit } from './request'
import { Shim, type StatusReport } from './shim'

/** `window.longwire`. */
export interface Longwire {
  readonly version: string
  readonly fetch: (input: RequestInfo | URL, init?: LongwireInit) => Promise<Response>
  readonly status: () => Promise<StatusReport>
}

function install(): void {
  const shim = new Shim(() => announceShim(window))
  const longwire: Longwire = {
    version: LONGWIRE_VERSION,
    fetch: (input, init) => shim.fetch(input, init),
    status: () => shim.status()
  }
  defineProperty(window, 'longwire', bare({ value: freeze(longwire), enumerable: true }))
  receivePorts(window, shim.channel)
  announceShim(window)
  const onPageShow = (event: PageTransitionEvent) => {
    if (eventPersisted(event)) shim.restored()
  }
  // Before any listener of the page: what one of them starts is not to be lost.
  addListener(window, 'pageshow', onPageShow, true)
}

// Two registrations may cover one page, and after a reload of the extension the shim is still there.
if (!hasOwn(window, 'longwire')) install()
