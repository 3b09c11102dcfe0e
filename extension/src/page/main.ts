// The shim: a content script in the page's own world, run before any script of the page.

import * as client from '../client/index'
import { setUsualFetch } from '../client/usual-fetch'
import { connect as connectPeer, RpcError } from '../rpc/index'
import type { Longwire } from './api'
import { addListener, bare, defineProperty, eventPersisted, freeze, hasOwn } from './builtins'
import { durableRequests } from './durable'
import { announceShim, receivePorts } from './handover'
import { patch } from './patch'
import { fetchFunction, Shim } from './shim'
import { type Connect, webSocketClass } from './websocket'
import { webSocketStreamClass } from './websocket-stream'

function install(): void {
  const shim = new Shim(() => announceShim(window))
  const fetch = fetchFunction((args) => shim.fetch(args))
  // The library knows nothing of the shim beyond what the page has of it.
  setUsualFetch(fetch)
  const connect: Connect = (plan, events) => shim.connect(plan, events)
  const WebSocket = webSocketClass(connect) as unknown as Longwire['WebSocket']
  const longwire: Longwire = {
    ...client,
    rpc: freeze({ connect: connectPeer, RpcError }),
    version: LONGWIRE_VERSION,
    fetch,
    status: () => shim.status(),
    durable: durableRequests(fetch),
    WebSocket,
    WebSocketStream: webSocketStreamClass(connect),
    patch: (options) => patch(shim, WebSocket as unknown as typeof window.WebSocket, window, options)
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
