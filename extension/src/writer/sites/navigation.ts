/** What Chromium 102, Firefox 147 and Safari 26.2 have; TypeScript's DOM knows it, older browsers do not. */
interface Watched extends EventTarget {
  readonly navigation?: EventTarget
  readonly location: { readonly href: string }
}

/**
 * Says when the page's address has changed without a load: `history.pushState` and its relatives, which a page calls in its
 * own world. What belongs to the new address may not be in the document yet.
 *
 * @param signal ends it
 */
export function onNavigation(window: Watched, listener: (url: URL) => void, signal: AbortSignal): void {
  let last = window.location.href
  const look = () => {
    const { href } = window.location
    if (href === last) return
    last = href
    listener(new URL(href))
  }
  const { navigation } = window
  if (navigation) navigation.addEventListener('currententrychange', look, { signal })
  // Without it a page's own calls are silent: its next event, whichever, tells of them.
  const others = navigation ? ['pageshow'] : ['pageshow', 'popstate', 'hashchange', 'turbo:load', 'click', 'keyup']
  for (const type of others) window.addEventListener(type, look, { signal, capture: true })
}
