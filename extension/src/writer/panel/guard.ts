// What is typed in the panel is not the page's. A closed root hides elements; it does not hide events, which go through the
// page's window on their way in and come out of the panel's element again.

/** What carries text or keys, or what pages take for their own: hotkeys, paste handlers, drop zones. */
const PRIVATE = [
  'keydown',
  'keypress',
  'keyup',
  'beforeinput',
  'input',
  'change',
  'compositionstart',
  'compositionupdate',
  'compositionend',
  'copy',
  'cut',
  'paste',
  'dragenter',
  'dragover',
  'dragstart',
  'drop',
  'selectstart',
  'textInput'
]

/** What goes on to the panel's own elements, but not out again: a form or a menu around it would take it for its own. */
const KEPT_IN = ['auxclick', 'click', 'contextmenu', 'dblclick', 'mousedown', 'mouseup', 'pointerdown', 'pointerup']

/**
 * Keep the events of the panel from the page's listeners, until `signal`.
 *
 * A listener that the page put on its window for the capture phase before this was called hears keys all the same: whoever
 * is first there is asked first. SECURITY.md says so.
 */
export function guardEvents(host: HTMLElement, signal: AbortSignal): void {
  const stop = (event: Event): void => {
    // Outside of the closed root every event of it has the panel's element as its target.
    if (event.target === host) event.stopImmediatePropagation()
  }
  // On the window, for there is nothing before it; what the browser does by itself, typing above all, goes on.
  for (const type of PRIVATE) window.addEventListener(type, stop, { capture: true, signal })
  for (const type of KEPT_IN) host.addEventListener(type, (event) => event.stopPropagation(), { signal })
}
