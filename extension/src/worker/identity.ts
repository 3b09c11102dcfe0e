import type { Extension, Sender } from '../platform/platform'
import type { Page } from '../protocol/native'

/** Who holds the other end of a runtime port, or why nobody that Longwire serves does. */
export type Identity = { readonly page: Page } | { readonly refusal: string }

/**
 * The page behind a port, from what the browser itself puts on `port.sender` and from nothing else: not even a
 * compromised renderer can forge `origin` and `documentId`. `sender.url` is not consulted: it is not the origin in
 * srcdoc, blob: and about:blank frames.
 *
 * @param privateContext this worker is the private windows' own ("incognito": "split"); tells a page without a tab
 */
export function identify(sender: Sender | undefined, extensionId: string, privateContext: boolean): Identity {
  if (sender?.id !== extensionId) return { refusal: 'The message did not come from this extension.' }
  const origin = sender.origin
  if (origin === undefined) return { refusal: 'The browser does not say which origin this frame has.' }
  if (origin === 'null') {
    return { refusal: 'This frame has an opaque origin (a sandboxed or data: frame), to which nothing can be granted.' }
  }
  if (!isWebOrigin(origin)) return { refusal: 'Longwire serves http: and https: pages only.' }
  if (sender.frameId === undefined || sender.documentId === undefined) {
    return { refusal: 'The browser does not say which document this is.' }
  }
  return {
    page: {
      origin,
      tab: sender.tab?.id ?? -1,
      frame: sender.frameId,
      document: sender.documentId,
      private: privateContext || sender.tab?.incognito === true
    }
  }
}

/**
 * The writer behind a port of its own name: by the same means, and in the top frame of a tab alone. It is never more than the
 * extension's own content script can be: whoever controls the renderer of such a page can open that port, too.
 */
export function identifyWriter(sender: Sender | undefined, extensionId: string, privateContext: boolean): Identity {
  const identity = identify(sender, extensionId, privateContext)
  if ('refusal' in identity) return identity
  const { page } = identity
  if (page.frame !== 0 || page.tab < 0) return { refusal: 'The writer is in the top frame of a tab, and nowhere else.' }
  return { page: { ...page, principal: 'writer' } }
}

function isWebOrigin(origin: string): boolean {
  const url = URL.parse(origin)
  return url !== null && (url.protocol === 'http:' || url.protocol === 'https:') && url.origin === origin
}

/**
 * Whether one of the extension's own pages holds the other end of a port, by what the browser puts on `port.sender`. A
 * content script, which may be anybody who controls its renderer, has its page's origin there.
 *
 * @param page its path in the extension's folder
 */
export function isOwnPage(sender: Sender | undefined, { id, origin }: Extension, page: string): boolean {
  if (sender?.id !== id || sender.origin !== origin || sender.url === undefined) return false
  // Chromium's URL has "null" for the origin of a scheme that it does not know.
  return URL.parse(sender.url)?.pathname === page && sender.url.startsWith(`${origin}/`)
}
