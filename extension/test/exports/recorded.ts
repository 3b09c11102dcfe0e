// Recordings for the tests of this folder, as a file has them.

import { parseRecording, type RecordedStream, type Recording } from '../../src/recording/file'
import { written } from '../../src/recording/lines'

type Line = Readonly<Record<string, unknown>>

export const HEAD = { longwire_recording: 1, made_by: 'longwire test', made_at: '2026-12-01T00:00:00Z' }

export const request = (changes: Line = {}): Line => ({
  type: 'request',
  stream: 1,
  t: 0,
  at: '2026-12-01T03:00:00.125417Z',
  kind: 'http',
  page: 'http://localhost:5173',
  method: 'GET',
  url: 'https://api.example.com/v1/chat',
  headers: [],
  ...changes
})

export const response = (type: string, changes: Line = {}): Line => ({
  type: 'response',
  stream: 1,
  t: 200.5,
  url: 'https://api.example.com/v1/chat',
  redirected: false,
  status: 200,
  reason: 'OK',
  headers: [['content-type', type]],
  ...changes
})

const bytes = (data: string | Uint8Array) =>
  typeof data === 'string' ? new TextEncoder().encode(data) : new Uint8Array(data)

export const piece = (t: number, data: string | Uint8Array, changes: Line = {}): Line => ({
  type: 'piece',
  stream: 1,
  t,
  way: 'down',
  ...written(bytes(data)),
  ...changes
})

export const message = (t: number, opcode: number, data: string | Uint8Array, changes: Line = {}): Line => ({
  ...piece(t, data, changes),
  type: 'message',
  opcode
})

export const end = (t: number, changes: Line = {}): Line => ({
  type: 'end',
  stream: 1,
  t,
  how: 'whole',
  bytes: 1,
  completeness: 'chunked',
  ...changes
})

export const fileOf = (...lines: Line[]): string => [HEAD, ...lines].map((line) => JSON.stringify(line)).join('\n')

export const recordingOf = (...lines: Line[]): Recording => parseRecording(fileOf(...lines))

export const streamOf = (...lines: Line[]): RecordedStream => recordingOf(...lines).streams[0] as RecordedStream

export const SSE = 'text/event-stream'

/** Two events, the second in two pieces. */
export const EVENTS = [
  request({ method: 'POST', headers: [['content-type', 'application/json']] }),
  piece(0, '{"stream":true}', { way: 'up' }),
  response(SSE),
  piece(210.25, 'id: 7\nevent: text\ndata: {"delta":"Hel"}\n\ndata: '),
  piece(260.123, '€\n\n'),
  end(300)
]

export const SOCKET = [
  request({ kind: 'websocket', url: 'wss://api.example.com/feed', protocols: ['feed.v1'] }),
  response('', { status: 101, reason: 'Switching Protocols', headers: [['sec-websocket-protocol', 'feed.v1']] }),
  message(210, 1, 'hello', { way: 'up' }),
  message(220, 2, new Uint8Array([0, 1]), { more: true }),
  message(230.5, 2, new Uint8Array([255])),
  message(240, 8, new Uint8Array([3, 232])),
  end(250)
]
