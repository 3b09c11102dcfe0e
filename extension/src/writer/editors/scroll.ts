// Writing must not take from a person the place that they are looking at.

/** What may scroll to what is written: nothing, the element itself, or the page and all that is around it too. */
export type Follows = 'nothing' | 'itself' | 'page'

/** Do it, and scroll nothing else than may follow. */
export function keepingScroll(element: HTMLElement, follows: Follows, act: () => void): void {
  const kept: (readonly [Element, number, number])[] = []
  const keep = (one: Element): number => kept.push([one, one.scrollTop, one.scrollLeft])
  if (follows === 'nothing') keep(element)
  if (follows !== 'page') around(element).forEach(keep)
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
