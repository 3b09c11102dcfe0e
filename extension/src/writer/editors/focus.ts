// An editor that reads the selection only while it has the focus, for a person who is elsewhere.

/** Do it with the focus in `element`; then focus and selection are where they were, before anything can be typed or drawn. */
export function withFocus(element: HTMLElement, act: () => void): void {
  const document = element.ownerDocument
  const former = document.activeElement
  if (former === element) return act()
  const selection = document.getSelection()
  const ranges = Array.from({ length: selection?.rangeCount ?? 0 }, (_, index) => selection?.getRangeAt(index))
  element.focus({ preventScroll: true })
  try {
    act()
  } finally {
    element.blur()
    // The selection first: the one in a field comes back with the field's focus.
    selection?.removeAllRanges()
    for (const range of ranges) if (range?.startContainer.isConnected) selection?.addRange(range)
    // Where the focus is in a shadow tree this is its host, which has to give it on.
    if (former instanceof HTMLElement && former !== document.body) former.focus({ preventScroll: true })
  }
}
