import { errorOf, isObject } from './event-payload'

/** Characters of a server's own words that go into a message. */
const LIMIT = 300

const DATA = /^data:(.*)$/m

/** What the body of an HTTP error says to people, in one line; empty where it is a page, or nothing that can be read. */
export function wordsOf(body: string): string {
  const said = (DATA.exec(body)?.[1] ?? body).trim()
  const text = /^[{[]/.test(said) ? ofJson(said) : said.startsWith('<') ? '' : said
  const line = text.replace(/\s+/g, ' ').trim()
  return line.length > LIMIT ? `${line.slice(0, LIMIT)}…` : line
}

function ofJson(text: string): string {
  try {
    const value: unknown = JSON.parse(text)
    return first(Array.isArray(value) ? value[0] : value)
  } catch {
    // Cut off: half of it would say something else.
    return ''
  }
}

function first(value: unknown): string {
  const { error_description: description, message, detail, title, errors } = errorOf(value)
  for (const words of [description, message, detail, title, errors]) {
    const one: unknown = Array.isArray(words) ? words[0] : words
    const text = isObject(one) ? (one['message'] ?? one['msg']) : one
    if (typeof text === 'string' && text.trim() !== '') return text
  }
  return ''
}
