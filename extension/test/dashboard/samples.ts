import { RateMeter } from '../../src/dashboard/rates'
import type { Row } from '../../src/dashboard/store'
import type { StreamRecord, Update } from '../../src/shared/dashboard'

/** On the wall clock. */
export const START = 1_700_000_000_000

export const record = (changes: Partial<StreamRecord> = {}): StreamRecord => ({
  id: 1,
  page: 'https://app.example.com',
  principal: 'page',
  tab: 7,
  kind: 'http',
  method: 'GET',
  url: 'https://api.example.com/v1/things?a=b',
  grant: 'things',
  startedAt: START,
  state: 'open',
  bodySent: true,
  status: 200,
  mime: 'text/event-stream',
  received: 0,
  consumed: 0,
  sent: 0,
  taken: 0,
  window: 32_768,
  chunks: 0,
  gaps: 0,
  longestGap: 0,
  lastByteAt: -1,
  headersAt: 10,
  firstByteAt: -1,
  endedAt: null,
  ending: null,
  ...changes
})

export const done = (changes: Partial<StreamRecord> = {}): StreamRecord =>
  record({
    state: 'ended',
    endedAt: 100,
    ending: { how: 'end', completeness: 'chunked', timings: { total_ms: 90 } },
    ...changes
  })

export const failed = (changes: Partial<StreamRecord> = {}): StreamRecord =>
  record({
    state: 'ended',
    endedAt: 100,
    ending: {
      how: 'error',
      by: 'host',
      code: 'UPSTREAM_RESET',
      message: 'the server broke the connection',
      phase: 'body',
      retryable: true
    },
    ...changes
  })

export const row = (told: StreamRecord): Row => ({ record: told, rates: new RateMeter(), searched: null })

export const update = (changes: Partial<Update> = {}): Update => ({
  anew: false,
  at: START,
  hostStarts: false,
  hostHeardAt: START,
  records: [],
  counts: new Float64Array(0),
  looked: null,
  pieces: [],
  ...changes
})
