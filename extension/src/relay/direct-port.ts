import type { FrameAddress } from '../platform/platform'

/** How long the frame may take before it is taken out of the page again: where it is not let in, it never says so. */
export const FRAME_DEADLINE_MS = 10_000

/** A direct port, and how it gets to the worker. */
export interface DirectOffer {
  /** What the frame says to the worker with the port: the relay tells the worker what to expect. */
  readonly token: string
  /** The shim's end. */
  readonly shimPort: MessagePort
  /** Put the frame into the page, which carries the other end to the worker. */
  send(): void
  /** Take the frame out of the page. What it has carried stays carried. */
  withdraw(): void
}

/**
 * A way for one end of a channel to the worker: a frame of the extension's own. Runtime ports carry no ports, and every byte
 * that goes by one is copied through the browser process.
 *
 * The page can neither look into the frame nor find it, and the target origin keeps port and token from any other document.
 *
 * @param inVain called when the frame has been in the page for FRAME_DEADLINE_MS and was not withdrawn
 * @returns null where it would be seen, in a document that is not HTML, and where it would not be let in
 */
export function offerDirectPort(document: Document, frame: FrameAddress, inVain: () => void): DirectOffer | null {
  const root = document.documentElement
  // A page that is isolated (Cross-Origin-Embedder-Policy) does not let it in, and would be told of it.
  if (!(root instanceof HTMLElement) || crossOriginIsolated) return null
  const { port1, port2 } = new MessageChannel()
  const token = crypto.getRandomValues(new Uint8Array(16)).toHex()
  const host = document.createElement('div')
  let timer: ReturnType<typeof setTimeout> | undefined
  return {
    token,
    shimPort: port2,
    send() {
      const element = document.createElement('iframe')
      // Once: a page that moves what it finds in its document loads the frame again.
      const carry = () => element.contentWindow?.postMessage(token, frame.origin, [port1])
      element.addEventListener('load', carry, { once: true })
      element.src = frame.url
      host.style.display = 'none'
      host.attachShadow({ mode: 'closed' }).append(element)
      root.append(host)
      timer = setTimeout(() => {
        host.remove()
        inVain()
      }, FRAME_DEADLINE_MS)
    },
    withdraw() {
      clearTimeout(timer)
      host.remove()
    }
  }
}
