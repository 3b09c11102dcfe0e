// Where in a text of Markdown the writer writes: pure, for editors whose text is one string.

import { MARKERS } from '../text/markers'

/** A text in three parts, of which the middle one is the writer's: `before + between + after`. */
export interface Region {
  readonly before: string
  readonly between: string
  readonly after: string
  /** What is put in front of the writer's text, and behind it. */
  readonly lead: string
  readonly trail: string
}

/** What the writer wrote in an editor last, to be found again in what stands there now. */
export interface Written {
  readonly before: string
  /** With its lead and its trail. */
  readonly whole: string
  readonly after: string
}

/**
 * Between the markers if both are there, else where the writer wrote last, else below what stands there with a blank line
 * between.
 *
 * @param written what was written last, null where nothing was.
 */
export function regionOf(text: string, written: Written | null): Region {
  return betweenMarkers(text) ?? (written && whereWritten(text, written)) ?? below(text)
}

/** Whether words stand there that are not as the writer left them. White space is nobody's. */
export function holdsTheirs({ between }: Region, written: Written | null): boolean {
  const standing = between.trim()
  return standing !== '' && standing !== written?.whole.trim()
}

/** The same place, but below what stands in it. */
export function belowTheirs({ before, between, after, trail }: Region): Region {
  const above = before + between
  return { before: above, between: '', after, lead: leadOf(above), trail }
}

function betweenMarkers(text: string): Region | null {
  const begin = text.indexOf(MARKERS.begin)
  if (begin === -1) return null
  let start = begin + MARKERS.begin.length
  let end = text.indexOf(MARKERS.end, start)
  if (end === -1) return null
  // A marker ends its line: Markdown takes what follows on that line for a part of the comment.
  const ownLine = text[start] === '\n' && start < end
  if (ownLine) start += 1
  const endsLine = text[end - 1] === '\n' && end > start
  if (endsLine) end -= 1
  // Between two lines of their own and nothing else there is one line end, which is the first marker's.
  const trail = endsLine ? '' : '\n'
  return { ...cut(text, start, end), lead: ownLine ? '' : '\n', trail }
}

/** Also when a person changed it, as long as what stood around it still does. */
function whereWritten(text: string, { before, whole, after }: Written): Region | null {
  if (whole === '') return null
  const place = found({ before, whole, after }, text)
  if (place !== null) return from({ ...place, between: whole })
  const around = text.startsWith(before) && text.endsWith(after) && text.length > before.length + after.length
  return around ? from(cut(text, before.length, text.length - after.length)) : null
}

function below(text: string): Region {
  return from(cut(text, text.length, text.length))
}

function from(parts: Pick<Region, 'before' | 'between' | 'after'>): Region {
  return { ...parts, lead: leadOf(parts.before), trail: '' }
}

/** What makes it a blank line, whatever the text ends with. */
function leadOf(before: string): string {
  if (before.trim() === '') return ''
  if (/\n[ \t]*\n[ \t]*$/.test(before)) return ''
  return /\n[ \t]*$/.test(before) ? '\n' : '\n\n'
}

function cut(text: string, start: number, end: number): Pick<Region, 'before' | 'between' | 'after'> {
  return { before: text.slice(0, start), between: text.slice(start, end), after: text.slice(end) }
}

/**
 * What stands around the writer's text now, if that is as it was; null if it is not to be found, or more than once. Words that
 * go on in its last line changed it.
 */
export function found({ before, whole, after }: Written, text: string): Pick<Written, 'before' | 'after'> | null {
  const at = text.startsWith(before + whole)
    ? before.length
    : text.endsWith(whole + after)
      ? text.length - whole.length - after.length
      : onlyPlaceOf(whole, text)
  if (at === null) return null
  const behind = text.slice(at + whole.length)
  return behind === after || /^(?:\n|$)/.test(behind) ? { before: text.slice(0, at), after: behind } : null
}

/** Where `part` stands in `text`, null if nowhere or more than once. */
function onlyPlaceOf(part: string, text: string): number | null {
  const first = text.indexOf(part)
  return first === -1 || text.indexOf(part, first + 1) !== -1 ? null : first
}
