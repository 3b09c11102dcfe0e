// Writing must not take from a person the place that they are looking at.

/** What may scroll to what is written: nothing, or the page and all that is around it. */
export type Follows = 'nothing' | 'page'

/** Do it, and scroll nothing else than may follow. */
export function keepingScroll(element: HTMLElement, follows: Follows, act: () => void): void {
  const kept: (readonly [Element, number, number])[] = []
  const keep = (one: Element): number => kept.push([one, one.scrollTop, one.scrollLeft])
  if (follows === 'nothing') [element, ...around(element)].forEach(keep)
  act()
  for (const [one, scrollTop, scrollLeft] of kept) {
    if (one.scrollTop !== scrollTop) one.scrollTop = scrollTop
    if (one.scrollLeft !== scrollLeft) one.scrollLeft = scrollLeft
  }
}

/** What may scroll to show an element, from the nearest on. */
function around(element: Element): Element[] {
  const scrollers: Element[] = []
  for (let one = element.parentElement; one !== null; one = one.parentElement) {
    if (one.scrollHeight > one.clientHeight) scrollers.push(one)
  }
  const page = element.ownerDocument.scrollingElement
  return page === null || scrollers.includes(page) ? scrollers : [...scrollers, page]
}

/** Whether the last line of what a field holds is on its screen, give or take `within` pixels. */
export function atEnd(field: HTMLElement, within: number): boolean {
  return field.scrollTop + field.clientHeight >= field.scrollHeight - within
}

/** Whether an element's lower edge can be seen, in the page and in all that scrolls around it, give or take `within` pixels. */
export function endIsSeen(element: Element, within: number): boolean {
  const page = element.ownerDocument.scrollingElement
  const { bottom } = element.getBoundingClientRect()
  return around(element).every((one) => {
    const { top, height } = one === page ? { top: 0, height: one.clientHeight } : one.getBoundingClientRect()
    return bottom >= top - within && bottom <= top + height + within
  })
}

/** Show the last line of a field, and the page's part with it for a field that grew out of it. */
export function showEnd(field: HTMLElement, page: boolean): void {
  field.scrollTop = field.scrollHeight
  const hidden = field.getBoundingClientRect().bottom - (field.ownerDocument.defaultView?.innerHeight ?? 0)
  if (page && hidden > 0) field.ownerDocument.scrollingElement?.scrollBy({ top: hidden, behavior: 'instant' })
}
