// Files that somebody made to do harm; tests/vectors/README.md says how they are written.

import { readFileSync } from 'node:fs'

interface Vectors {
  readonly parts: Readonly<Record<string, object>>
  readonly refused: readonly { readonly name: string; readonly lines: readonly Line[]; readonly replay?: false }[]
}
type Line = string | readonly [part: string, changes: object] | { readonly raw: string }

const DEEP = 100_000
const { parts, refused } = JSON.parse(
  readFileSync(new URL('../../../tests/vectors/recordings/hostile.json', import.meta.url), 'utf8')
) as Vectors

function written(line: Line): string {
  if (typeof line === 'string') return JSON.stringify(parts[line])
  if ('raw' in line) return line.raw.replace('$DEEP', () => '['.repeat(DEEP) + ']'.repeat(DEEP))
  return JSON.stringify({ ...parts[line[0]], ...line[1] })
}

/** Name, text, and whether `longwire.replay` sees what is wrong with it. */
export const HOSTILE: readonly [name: string, text: string, replayed: boolean][] = refused.map((each) => [
  each.name,
  ['head' as Line, ...each.lines].map(written).join('\n'),
  each.replay !== false
])

/** A line as the vectors have it, for files that are too large for them. */
export const lineOf = (part: string) => JSON.stringify(parts[part])
