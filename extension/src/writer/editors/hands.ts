// Whether a person is in the middle of something that a moved focus would break: a key that is down, a button that is pressed,
// a word that an input method is putting together.

/** What began and has not ended. */
const held = new Set<string>()
const waiting = new Map<object, () => void>()
let watching = false

/** Do it now, or when the person's hands are free. A later one of the same owner takes the place of one that waits. */
export function whenHandsAreFree(owner: object, act: () => void): void {
  watch()
  if (held.size === 0) {
    waiting.delete(owner)
    act()
  } else waiting.set(owner, act)
}

/** Begin to watch, which is before there is anything to do: what is held already is not seen. */
export function watch(): void {
  if (watching) return
  watching = true
  const on = (type: string, act: (event: Event) => void): void => {
    const trusted = (event: Event): void => {
      if (event.isTrusted) act(event)
    }
    addEventListener(type, trusted, { capture: true, passive: true })
  }
  on('keydown', (event) => held.add((event as KeyboardEvent).code))
  on('keyup', (event) => release((event as KeyboardEvent).code))
  on('pointerdown', () => held.add('pointer'))
  on('pointerup', () => release('pointer'))
  on('pointercancel', () => release('pointer'))
  on('compositionstart', () => held.add('composition'))
  on('compositionend', () => release('composition'))
  // The end of what is held here comes to another window.
  on('blur', (event) => event.target === window && releaseAll())
}

function release(what: string): void {
  held.delete(what)
  // After the page and the browser have had the event: a key that is let go presses a button.
  if (held.size === 0) setTimeout(settle)
}

function releaseAll(): void {
  held.clear()
  setTimeout(settle)
}

function settle(): void {
  if (held.size !== 0) return
  const acts = [...waiting.values()]
  waiting.clear()
  for (const act of acts) act()
}
