import { visible } from '../shared/text'

/** Members of one object or array that are shown at first, and more for each click. */
const MEMBERS = 100

/** Characters of one text. */
const TEXT_CHARS = 2_000

/** How deep it is open at first. */
const OPEN_DEPTH = 2

/** A JSON value as a tree that a keyboard opens and closes. What is closed is not made. */
export function jsonTree(value: unknown): HTMLElement {
  const tree = document.createElement('div')
  tree.className = 'json'
  tree.append(nodeOf(null, value, 0))
  return tree
}

function nodeOf(name: string | null, value: unknown, depth: number): HTMLElement {
  if (typeof value !== 'object' || value === null) return lineOf('div', name, value)
  const entries = Object.entries(value)
  const node = document.createElement('details')
  node.append(lineOf('summary', name, Array.isArray(value) ? `[${entries.length}]` : `{${entries.length}}`, 'sum'))
  let made = false
  const make = () => {
    if (made) return
    made = true
    more(node, entries, 0, depth)
  }
  node.addEventListener('toggle', () => node.open && make())
  if (depth < OPEN_DEPTH) {
    make()
    node.open = true
  }
  return node
}

function more(node: HTMLElement, entries: [string, unknown][], from: number, depth: number): void {
  const end = Math.min(entries.length, from + MEMBERS)
  for (const [name, value] of entries.slice(from, end)) node.append(nodeOf(name, value, depth + 1))
  if (end === entries.length) return
  const button = document.createElement('button')
  button.type = 'button'
  button.className = 'quiet'
  button.textContent = `${entries.length - end} more`
  button.addEventListener('click', () => {
    button.remove()
    more(node, entries, end, depth)
  })
  node.append(button)
}

function lineOf(tag: 'div' | 'summary', name: string | null, value: unknown, kind: string = typeof value): HTMLElement {
  const line = document.createElement(tag)
  if (name !== null) {
    const key = document.createElement('span')
    key.className = 'key'
    key.textContent = `${visible(name.slice(0, TEXT_CHARS))}: `
    line.append(key)
  }
  const shown = document.createElement('span')
  shown.className = `value ${kind}`
  shown.textContent = kind === 'sum' ? String(value) : textOf(value)
  line.append(shown)
  return line
}

function textOf(value: unknown): string {
  if (typeof value !== 'string') return String(value)
  const cut = value.length > TEXT_CHARS ? `${value.slice(0, TEXT_CHARS)}… (${value.length} characters)` : value
  return `"${visible(cut)}"`
}
