import { BRIDGE_VERSION, GONE_EVENT, PORT_EVENT, SHIM_EVENT } from '../shared/names'
import { addListener, dispatch, eventData, eventPort, NativeEvent, preventDefault, stopPropagation } from './builtins'

/** Who takes the relay's port. */
export interface PortTaker {
  attach(port: MessagePort): void
  detach(port: MessagePort): void
}

/**
 * Takes the port that a relay hands over, across worlds and synchronously: both scripts run at document_start, so no page
 * script sees it. A later relay's port, after an extension reload, takes the place of the first.
 */
export function receivePorts(target: EventTarget, taker: PortTaker): void {
  const listen = (type: string, take: (port: MessagePort) => void) =>
    addListener(target, type, (event: MessageEvent) => {
      const port = eventPort(event)
      // A relay of another version has nothing to say to this shim; the page gets both anew when it is loaded again.
      if (port === undefined || eventData(event) !== BRIDGE_VERSION) return
      stopPropagation(event)
      preventDefault(event)
      take(port)
    })
  listen(PORT_EVENT, (port) => taker.attach(port))
  listen(GONE_EVENT, (port) => taker.detach(port))
}

/** Ask for a port. A relay that listens answers before this returns. */
export function announceShim(target: EventTarget): void {
  dispatch(target, new NativeEvent(SHIM_EVENT))
}
