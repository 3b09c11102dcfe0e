// Messages that nothing is wrong with, for tests to change.

import type { StreamStartFields } from '../../src/protocol/bridge'
import { PROTOCOL_VERSION } from '../../src/protocol/constants'
import type {
  Page,
  PolicySummary,
  StreamAborted,
  StreamChunk,
  StreamEnd,
  StreamErrorMessage,
  StreamHeaders,
  Welcome
} from '../../src/protocol/native'

export const PAGE: Page = {
  origin: 'https://app.example.com',
  tab: 7,
  frame: 0,
  document: '9F1C0A00D5E24B1F8A7C6D5E4F3A2B1C',
  private: false
}

export const POLICY: PolicySummary = { state: 'ok', digest: 'd1', pages: ['https://app.example.com'] }

export function start(id: number, changes: Partial<StreamStartFields> = {}): StreamStartFields {
  return {
    type: 'STREAM_START',
    id,
    method: 'GET',
    url: 'https://api.example.com/',
    headers: [],
    body: { kind: 'none' },
    redirect: 'follow',
    timeouts: {},
    ...changes
  }
}

export const welcome = (changes: Partial<Welcome> = {}): Welcome => ({
  type: 'WELCOME',
  protocol: PROTOCOL_VERSION,
  host: '0.1.0',
  limits: { streams_per_frame: 256, streams_per_host: 1024, window_max_bytes: 4_194_304 },
  policy: POLICY,
  ...changes
})

export const headers = (id: number): StreamHeaders => ({
  type: 'STREAM_HEADERS',
  id,
  url: 'https://api.example.com/',
  redirected: false,
  status: 200,
  reason: 'OK',
  headers: []
})

export const chunk = (id: number, offset = 0, data = 'YWI='): StreamChunk => ({
  type: 'STREAM_CHUNK',
  id,
  offset,
  data
})

export const end = (id: number, bytes = 0): StreamEnd => ({
  type: 'STREAM_END',
  id,
  bytes,
  completeness: 'length',
  timings: { total_ms: 1 }
})

export const aborted = (id: number): StreamAborted => ({ type: 'STREAM_ABORTED', id })

export const error = (id: number): StreamErrorMessage => ({
  type: 'STREAM_ERROR',
  id,
  code: 'UPSTREAM_RESET',
  message: 'the server broke the connection',
  phase: 'headers',
  retryable: true
})
