import { formatBytes } from '../shared/format'
import type { Today } from '../shared/popup'

/** `Today: 12 streams, 3.4 MB, 1 error`. */
export function wordsOf({ streams, bytes, errors }: Today): string {
  const parts = [counted(streams, 'stream'), formatBytes(bytes), errors === 0 ? 'no errors' : counted(errors, 'error')]
  return `Today: ${parts.join(', ')}`
}

const counted = (count: number, word: string) => `${count.toLocaleString('en')} ${word}${count === 1 ? '' : 's'}`
