import { ERRORS } from '../protocol/errors'
import type { StreamRecord } from '../shared/dashboard'
import { formatBytes } from '../shared/format'
import { sentence, visible } from '../shared/text'
import { formatMs, lengthOf, type Moment } from './columns'
import type { GenerationSummary } from './generation'
import { holderOf } from './holding'
import type { Row } from './store'

/** A name and what is known under it. */
export type Figure = readonly [name: string, value: string]

/** What is said of one stream beside its bytes; nothing of what is not known. */
export function figuresOf({ record, rates }: Row, moment: Moment): Figure[] {
  const { now } = moment
  const rate = record.state === 'ended' ? null : rates.at(now)
  const holder = holderOf(record, now, moment.host)
  const figures: (readonly [string, string | null])[] = [
    ['Waits for', holder === null ? null : `the ${holder.who}. ${holder.why}`],
    ['Page', visible(record.page)],
    ['Asked by', record.principal === 'writer' ? 'the writer' : null],
    ['Grant', visible(record.grant)],
    ['Status', record.status > 0 ? String(record.status) : null],
    ['Type', record.mime === '' ? null : visible(record.mime)],
    ['Received', withRate(record.received, rate?.in)],
    ['Sent', record.sent > 0 ? withRate(record.sent, rate?.out) : null],
    ['Acknowledged by the page', record.received > record.consumed ? formatBytes(record.consumed) : null],
    ['Headers after', formatMs(record.headersAt)],
    ['First byte after', formatMs(record.firstByteAt)],
    ['Total', formatMs(lengthOf(record, now))],
    ['In the host', hostTimesOf(record)],
    ['Pieces', record.chunks > 0 ? String(record.chunks) : null],
    [
      'Silences of 250 ms and more',
      record.gaps > 0 ? `${record.gaps}, the longest ${formatMs(record.longestGap)}` : null
    ],
    ['End', endOf(record)]
  ]
  return figures.filter((figure): figure is Figure => figure[1] !== null && figure[1] !== '')
}

function withRate(bytes: number, rate: number | undefined): string {
  return rate === undefined ? formatBytes(bytes) : `${formatBytes(bytes)}, ${formatBytes(rate)}/s`
}

/** Its own clock began when it accepted the request: what is more in the worker's figures is the way through the browser. */
function hostTimesOf({ ending }: StreamRecord): string | null {
  if (ending?.how !== 'end') return null
  const { connected_ms, headers_ms, first_byte_ms, total_ms } = ending.timings
  const parts = [
    connected_ms === undefined ? '' : `connected ${formatMs(connected_ms)}`,
    headers_ms === undefined ? '' : `headers ${formatMs(headers_ms)}`,
    first_byte_ms === undefined ? '' : `first byte ${formatMs(first_byte_ms)}`,
    `total ${formatMs(total_ms)}`
  ]
  return parts.filter((part) => part !== '').join(' · ')
}

const COMPLETE: Record<string, string> = {
  length: 'Complete: as long as announced',
  chunked: 'Complete: the last chunk came',
  close: 'The server closed: nothing says that it is complete',
  none: 'Complete: it has no body'
}

const ABORTS: Record<string, string> = {
  signal: 'The page aborted it',
  cancel: 'The page cancelled the body',
  collected: 'The page let go of it',
  'page-gone': 'The page is gone',
  'upload-failed': 'The page’s own request body failed',
  refused: 'The extension refused it',
  user: 'You stopped it'
}

function endOf({ ending }: StreamRecord): string | null {
  if (ending === null) return null
  if (ending.how === 'end') return COMPLETE[ending.completeness] ?? ending.completeness
  if (ending.how === 'error') return `Error in phase “${ending.phase}”`
  return ending.reason === null ? 'Given up' : (ABORTS[ending.reason] ?? ending.reason)
}

/** Characters by which a text shows that it says what the code means. */
const ALIKE = 20

/** What went wrong, and what to do; null if nothing did. */
export function troubleOf({ ending }: StreamRecord): { readonly title: string; readonly text: string } | null {
  if (ending?.how !== 'error') return null
  const said = sentence(visible(ending.message))
  const meaning = sentence(ERRORS[ending.code].meaning)
  // The host's text names the fix; what the code means is said where the text does not say it.
  const more = said.toLowerCase().startsWith(meaning.toLowerCase().slice(0, ALIKE)) ? '' : ` ${meaning}`
  return { title: ending.code, text: `${said}${more}${ending.retryable ? ' The same request may succeed later.' : ''}` }
}

export function generationFigures(summary: GenerationSummary, record: StreamRecord): Figure[] {
  const { usage, cost, tokensPerSecond, firstContentMs, firstContentAt } = summary
  const first = firstContentMs ?? (firstContentAt === null ? null : firstContentAt - record.startedAt)
  const figures: (readonly [string, string | null])[] = [
    ['Provider', visible(summary.provider)],
    ['Model', visible(summary.model)],
    ['First content after', formatMs(first)],
    ['Tokens per second', tokensPerSecond === null ? null : tokensPerSecond.toFixed(1)],
    ['Tokens', usage === null ? null : tokensOf(usage)],
    ['Cost', cost === null ? null : visible(`${cost.amount} ${cost.currency}`)],
    ['Finished', visible(summary.finish)],
    ['Failed', visible(summary.error)]
  ]
  return figures.filter((figure): figure is Figure => figure[1] !== null && figure[1] !== '')
}

function tokensOf(usage: NonNullable<GenerationSummary['usage']>): string {
  const parts = [
    usage.inputTokens === undefined ? '' : `${usage.inputTokens} in`,
    usage.cachedTokens ? `(${usage.cachedTokens} cached)` : '',
    usage.outputTokens === undefined ? '' : `${usage.outputTokens} out`,
    usage.reasoningTokens ? `(${usage.reasoningTokens} reasoning)` : '',
    usage.estimated ? 'estimated' : ''
  ]
  return parts.filter((part) => part !== '').join(' ')
}
