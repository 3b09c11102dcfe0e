// What the four sites' files ask a document: by tables of selectors, so that a vendor's next class name changes one line.

/** Tried in their order: the present markup first, older markup after it. */
export type Selectors = readonly string[]

/** Whether any of them is there. */
export function has(document: Document, selectors: Selectors): boolean {
  return selectors.some((selector) => document.querySelector(selector) !== null)
}

/**
 * What the first that is there says: a field's value, a meta element's content, else its text, in one line.
 *
 * @returns empty where none says anything
 */
export function textOf(document: Document, selectors: Selectors): string {
  for (const selector of selectors) {
    for (const element of document.querySelectorAll(selector)) {
      const text = inOneLine(saidBy(element))
      if (text !== '') return text
    }
  }
  return ''
}

/** The first that a person could write in now: seen, enabled, not a twin that a script keeps out of sight. */
export function writable(root: ParentNode, selectors: Selectors): HTMLElement | null {
  for (const selector of selectors) {
    for (const element of root.querySelectorAll<HTMLElement>(selector)) {
      if (isWritable(element)) return element
    }
  }
  return null
}

function isWritable(element: HTMLElement): boolean {
  if (element.matches(':disabled, :read-only, [aria-readonly="true"]')) return false
  if (element.closest('[aria-hidden="true"], [inert]') !== null) return false
  // A twin that is there to be measured, or for a script that is not loaded, has no box or an empty one.
  if (!element.checkVisibility({ visibilityProperty: true })) return false
  const { width, height } = element.getBoundingClientRect()
  return width > 1 && height > 1
}

function saidBy(element: Element): string {
  if (element instanceof HTMLInputElement || element instanceof HTMLTextAreaElement) return element.value
  if (element instanceof HTMLMetaElement) return element.content
  return element.textContent ?? ''
}

/** As a title or a name is written: what separates its words in the markup is no part of it. */
export function inOneLine(text: string): string {
  return text.replace(/\s+/g, ' ').trim()
}
