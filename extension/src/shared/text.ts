/** As a sentence among others: the host's texts begin small and have no stop, since they also stand in lines of a list. */
export function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`.replace(/([.!?…])\.$/, '$1')
}

/** Controls, marks that turn a line's direction, and what is not drawn at all. Not the joiners that scripts and emoji need. */
const UNSEEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\p{Co}\p{Cn}]/gu
const JOINERS = new Set(['\u200c', '\u200d'])

/** Somebody else's text in one line: what would not be seen, or would move what stands beside it, as its code. */
export function visible(text: string): string {
  return text.replace(UNSEEN, (found) => (JOINERS.has(found) ? found : codeOf(found)))
}

/** The same in several lines. */
export function visibleLines(text: string): string {
  return text.replace(UNSEEN, (found) =>
    found === '\n' || found === '\t' || JOINERS.has(found) ? found : codeOf(found)
  )
}

function codeOf(character: string): string {
  return `\\u{${(character.codePointAt(0) as number).toString(16)}}`
}
