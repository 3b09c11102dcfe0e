// What may stand in a line of a recording's file: names, types and bounds, as the schema has them.

import {
  MAX_HEADER_NAME_CHARS,
  MAX_HEADER_PAIRS,
  MAX_HEADER_VALUE_CHARS,
  MAX_ID,
  MAX_MESSAGE_CHARS,
  MAX_RECORDED_PIECE_BYTES,
  MAX_URL_CHARS
} from '../protocol/constants'
import { ERRORS, type Phase } from '../protocol/errors'
import type { AbortReason, Completeness, RecordingLine } from '../protocol/recording'

type Check = (value: unknown) => boolean
type Fields = Readonly<Record<string, Check>>
interface Shape {
  readonly needed: readonly string[]
  readonly known: ReadonlyMap<string, Check>
}

/** What would begin another line of HTTP where it is sent again is in no field that a browser or a host gives out. */
const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/
const ONE_LINE = /^[^\0\r\n]*$/
const NOT_IN_URLS = /[\0- \x7f]/
const AT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{1,6}Z$/

const text =
  (most: number, pattern = /^/): Check =>
  (value) =>
    typeof value === 'string' && value.length <= most && value.isWellFormed() && pattern.test(value)
const integer =
  (least: number, most: number): Check =>
  (value) =>
    Number.isSafeInteger(value) && (value as number) >= least && (value as number) <= most
const oneOf =
  (...values: readonly unknown[]): Check =>
  (value) =>
    values.includes(value)
const list =
  (most: number, each: Check): Check =>
  (value) =>
    Array.isArray(value) && value.length <= most && value.every(each)

const time: Check = (value) => typeof value === 'number' && value >= 0 && value <= 1e12
const timeOfDay: Check = (value) => text(27, AT)(value) && !Number.isNaN(Date.parse(value as string))
const url: Check = (value) =>
  text(MAX_URL_CHARS)(value) && !NOT_IN_URLS.test(value as string) && URL.canParse(`${value}`)
const short = text(200)
const name = text(MAX_HEADER_NAME_CHARS, TOKEN)
const fieldValue = text(MAX_HEADER_VALUE_CHARS, ONE_LINE)
const headers = list(
  4 * MAX_HEADER_PAIRS,
  (pair) => Array.isArray(pair) && pair.length === 2 && name(pair[0]) && fieldValue(pair[1])
)

const COMPLETENESS: readonly Completeness[] = ['length', 'chunked', 'close', 'none']
const PHASES: readonly Phase[] = ['policy', 'connect', 'headers', 'body', 'close']
const REASONS: readonly AbortReason[] = [
  'signal',
  'cancel',
  'collected',
  'page-gone',
  'upload-failed',
  'refused',
  'user'
]

const EVERY: Fields = { type: () => true, stream: integer(1, MAX_ID), t: time }
/** As base64 writes it, and no text of one piece is longer. */
const PIECE_CHARS = 4 * Math.ceil(MAX_RECORDED_PIECE_BYTES / 3)
const DATA: Fields = {
  text: text(PIECE_CHARS),
  base64: text(PIECE_CHARS, /^[A-Za-z0-9+/]*={0,2}$/),
  masked: oneOf(true)
}
const way = oneOf('down', 'up')

const FIELDS: Readonly<Record<RecordingLine['type'], { readonly needed: Fields; readonly optional: Fields }>> = {
  request: {
    needed: {
      at: timeOfDay,
      kind: oneOf('http', 'websocket', 'generation', 'durable'),
      page: text(2048),
      method: text(32, TOKEN),
      url,
      headers
    },
    optional: { protocols: list(64, text(MAX_HEADER_NAME_CHARS, /./s)), joined: integer(0, MAX_ID) }
  },
  response: {
    needed: {
      url,
      redirected: oneOf(true, false),
      status: integer(101, 599),
      reason: text(1000, ONE_LINE),
      headers
    },
    optional: {}
  },
  piece: { needed: { way }, optional: DATA },
  message: { needed: { way, opcode: oneOf(1, 2, 8) }, optional: { ...DATA, more: oneOf(true) } },
  again: { needed: {}, optional: {} },
  end: {
    needed: { how: oneOf('whole', 'error', 'stopped', 'full') },
    optional: {
      bytes: integer(0, MAX_ID),
      completeness: oneOf(...COMPLETENESS),
      code: (value) => typeof value === 'string' && Object.hasOwn(ERRORS, value),
      message: text(MAX_MESSAGE_CHARS),
      phase: oneOf(...PHASES),
      reason: oneOf(...REASONS)
    }
  }
}

/** Made once: a file may have a million lines. */
const SHAPES: ReadonlyMap<unknown, Shape> = new Map(
  Object.entries(FIELDS).map(([type, { needed, optional }]) => {
    const always = { ...EVERY, ...needed }
    return [type, { needed: Object.keys(always), known: new Map(Object.entries({ ...always, ...optional })) }]
  })
)

/** Whether what the first line says of its making is as it has to be. */
export function saysByWhom(head: Record<string, unknown>): boolean {
  return short(head['made_by']) && short(head['made_at'])
}

/**
 * One line, checked by itself.
 *
 * @throws {Error} it is none of a recording; the message names the field, and never what stands there
 */
export function lineOf(value: unknown): RecordingLine {
  if (!isObject(value)) throw new Error('it is no object')
  const shape = SHAPES.get(value['type'])
  if (shape === undefined) throw new Error('its type is none')
  for (const field of shape.needed) if (!Object.hasOwn(value, field)) throw new Error(`${field} is missing`)
  for (const field of Object.keys(value)) {
    const check = shape.known.get(field)
    if (check === undefined) throw new Error('there is a field that no such line has')
    if (!check(value[field])) throw new Error(`${field} is not as it has to be`)
  }
  return value as unknown as RecordingLine
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
