import { visible } from './text'

/** The element of the own page with this id. */
export function element<T extends HTMLElement = HTMLElement>(id: string): T {
  return document.getElementById(id) as T
}

/** Set the text only if it differs: what does not change is not read out again, and its selection stays. */
export function setText(target: HTMLElement, text: string): void {
  if (target.textContent !== text) target.textContent = text
}

/** As `setText`, with what stands in backticks as `<code>`. */
export function setProse(target: HTMLElement, text: string): void {
  if (target.dataset['text'] === text) return
  target.dataset['text'] = text
  target.replaceChildren(
    ...text.split('`').map((part, index) => {
      if (index % 2 === 0) return part
      const code = document.createElement('code')
      code.textContent = part
      return code
    })
  )
}

/** Say it to a screen reader, once. Somebody else's text may be a part of it. */
export function announce(text: string): void {
  setText(element('announcer'), visible(text))
}
