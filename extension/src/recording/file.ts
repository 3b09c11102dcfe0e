// A file of a recording, read and checked line by line: who wrote it is not known.

import {
  MAX_RECORDED_STREAMS,
  MAX_RECORDING_BYTES,
  MAX_RECORDING_LINE_CHARS,
  RECORDING_LINE_BYTES
} from '../protocol/constants'
import type {
  RecordedEnd,
  RecordedMessage,
  RecordedPiece,
  RecordedRequest,
  RecordedResponse,
  RecordingHead,
  RecordingLine
} from '../protocol/recording'
import { bytesOf } from './lines'
import { isObject, lineOf, saysByWhom } from './shapes'

type Bytes = Uint8Array<ArrayBuffer>

/** A file that is no recording. The message names the line. */
export class BadRecording extends Error {}

/** Some of a body, or of a socket's message. */
export interface RecordedBytes {
  readonly t: number
  readonly data: Bytes
  /** Of a message: what it is, and whether this ends it. */
  readonly opcode?: 1 | 2 | 8
  readonly last: boolean
}

export interface RecordedStream {
  readonly number: number
  readonly request: RecordedRequest
  response: RecordedResponse | null
  readonly down: RecordedBytes[]
  readonly up: RecordedBytes[]
  /** Null: it was open when the recording was saved. */
  end: RecordedEnd | null
  masked: boolean
  readonly last: { down: number; up: number }
  /** What a socket's message is that goes on. */
  readonly goesOn: { down?: 1 | 2 | 8; up?: 1 | 2 | 8 }
}

export interface Recording {
  readonly head: RecordingHead
  readonly streams: readonly RecordedStream[]
}

/** @throws {BadRecording} */
export function parseRecording(text: string): Recording {
  let head: RecordingHead | null = null
  const streams = new Map<number, RecordedStream>()
  let room = MAX_RECORDING_BYTES
  for (const [number, line] of linesOf(text)) {
    if (head === null) {
      head = headOf(line)
      continue
    }
    room -= RECORDING_LINE_BYTES
    try {
      if (line.trim() !== '') room -= take(streams, lineOf(JSON.parse(line)))
    } catch (error) {
      throw new BadRecording(`Line ${number} is not of a recording: ${(error as Error).message}`)
    }
    if (room < 0) throw new BadRecording(`The recording is larger than ${MAX_RECORDING_BYTES} bytes.`)
  }
  if (head === null) throw new BadRecording('The file is empty.')
  if (streams.size === 0) throw new BadRecording('There is no stream in the recording.')
  return { head, streams: [...streams.values()] }
}

function* linesOf(text: string): Generator<[number, string]> {
  let number = 0
  for (let start = 0; start < text.length; ) {
    const found = text.indexOf('\n', start)
    const end = found === -1 ? text.length : found
    number += 1
    if (end - start > MAX_RECORDING_LINE_CHARS) throw new BadRecording(`Line ${number} is too long.`)
    yield [number, text.slice(start, end)]
    start = end + 1
  }
}

function headOf(line: string): RecordingHead {
  let head: unknown
  try {
    head = JSON.parse(line)
  } catch {}
  const none = () => new BadRecording('The file is no recording of Longwire.')
  if (!isObject(head) || !('longwire_recording' in head)) throw none()
  if (head['longwire_recording'] !== 1) throw new BadRecording('This Longwire does not know this form of recordings.')
  if (!saysByWhom(head)) throw none()
  return head as unknown as RecordingHead
}

function take(streams: Map<number, RecordedStream>, line: RecordingLine): number {
  if (line.type === 'request') {
    if (streams.has(line.stream)) throw new Error(`stream ${line.stream} begins twice`)
    if (streams.size === MAX_RECORDED_STREAMS) throw new Error('there are too many streams')
    const nothing = { response: null, down: [], up: [], end: null, masked: false, last: { down: 0, up: 0 }, goesOn: {} }
    streams.set(line.stream, { number: line.stream, request: line, ...nothing })
    return 0
  }
  const stream = streams.get(line.stream)
  if (stream === undefined) throw new Error(`stream ${line.stream} has not begun`)
  if (stream.end !== null) throw new Error(`stream ${line.stream} has ended before`)
  const way = line.type === 'again' || ('way' in line && line.way === 'up') ? 'up' : 'down'
  const before = line.type === 'end' ? Math.max(stream.last.down, stream.last.up) : stream.last[way]
  if (line.t < before) throw new Error('it is of an earlier time than the line before it')
  stream.last[way] = line.t
  switch (line.type) {
    case 'piece':
    case 'message':
      return takeBytes(stream, line)
    case 'response':
      if (stream.response !== null) throw new Error(`stream ${line.stream} has a response already`)
      if (line.status === 101 && stream.request.kind !== 'websocket') throw new Error('status 101 is of sockets')
      stream.response = line
      break
    case 'again':
      stream.up.length = 0
      break
    case 'end':
      stream.end = line
  }
  return 0
}

function takeBytes(stream: RecordedStream, line: RecordedPiece | RecordedMessage): number {
  const isMessage = line.type === 'message'
  if (isMessage !== (stream.request.kind === 'websocket'))
    throw new Error('messages are of sockets, pieces of all others')
  if (line.way === 'down' && stream.response === null) throw new Error(`stream ${line.stream} has no response yet`)
  if ((line.text === undefined) === (line.base64 === undefined)) throw new Error('either text or base64')
  if (isMessage) checkPart(stream.goesOn, line)
  const data = bytesOf(line)
  const { t } = line
  const taken = isMessage ? { t, data, opcode: line.opcode, last: line.more !== true } : { t, data, last: true }
  stream[line.way === 'up' ? 'up' : 'down'].push(taken)
  stream.masked ||= line.masked === true
  return data.byteLength
}

/** A message is of one kind. Only a close may come before its end. */
function checkPart(goesOn: RecordedStream['goesOn'], { way, opcode, more }: RecordedMessage): void {
  const began = goesOn[way]
  delete goesOn[way]
  if (began !== undefined && opcode !== began && opcode !== 8)
    throw new Error('a message goes on as another kind than it began')
  if (more === true) goesOn[way] = opcode
}

/** All bytes of one way. */
export function bodyOf(pieces: readonly RecordedBytes[]): Bytes {
  const body = new Uint8Array(pieces.reduce((size, { data }) => size + data.byteLength, 0))
  let at = 0
  for (const { data } of pieces) {
    body.set(data, at)
    at += data.byteLength
  }
  return body
}

/** The messages of a socket, put together; `t` is when each was whole. */
export function messagesOf(parts: readonly RecordedBytes[]): { t: number; opcode: 1 | 2 | 8; data: Bytes }[] {
  const messages: { t: number; opcode: 1 | 2 | 8; data: Bytes }[] = []
  let open: RecordedBytes[] = []
  for (const part of parts) {
    if (part.opcode === 8) open = []
    open.push(part)
    if (!part.last) continue
    messages.push({ t: part.t, opcode: part.opcode ?? 2, data: open.length === 1 ? part.data : bodyOf(open) })
    open = []
  }
  return messages
}
