import { announce, element, setText } from '../shared/dom'

const COPIED_MS = 2_000

/** A block of lines with its button. */
export interface Copyable {
  /** Null hides it. */
  show(lines: string | null): void
}

/** @param id the block in index.html: a `<code>` and a `<button>` */
export function copyable(id: string): Copyable {
  const block = element(id)
  const code = block.querySelector('code') as HTMLElement
  const button = block.querySelector('button') as HTMLButtonElement
  let timer: ReturnType<typeof setTimeout> | undefined
  button.addEventListener('click', async () => {
    await navigator.clipboard.writeText(code.textContent ?? '')
    setText(button, 'Copied')
    announce('Copied')
    clearTimeout(timer)
    timer = setTimeout(() => setText(button, 'Copy'), COPIED_MS)
  })
  return {
    show(lines) {
      block.hidden = lines === null
      setText(code, lines ?? '')
    }
  }
}
