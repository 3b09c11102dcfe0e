import { BRIDGE_VERSION, GONE_EVENT, PORT_EVENT, SHIM_EVENT } from '../shared/names'

/**
 * Hands the shim its port, across worlds and synchronously: both scripts run at document_start, so no page script sees it.
 * Whichever runs first, the second one's announcement finds the other listening.
 *
 * @param orphaned the relay is dead: then it has that to say instead, once
 */
export function handOver(target: EventTarget, shimPort: MessagePort, orphaned: () => boolean): void {
  let taken = false
  const offer = () => {
    // The shim that takes the port prevents the event's default.
    taken = !target.dispatchEvent(portEvent(PORT_EVENT, shimPort))
  }
  const onShim = () => {
    if (orphaned()) {
      target.removeEventListener(SHIM_EVENT, onShim)
      target.dispatchEvent(portEvent(GONE_EVENT, shimPort))
    } else if (!taken) offer()
  }
  target.addEventListener(SHIM_EVENT, onShim)
  offer()
}

function portEvent(type: string, port: MessagePort): MessageEvent {
  return new MessageEvent(type, { data: BRIDGE_VERSION, ports: [port], cancelable: true })
}
