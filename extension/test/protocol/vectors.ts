// Reads tests/vectors; the marks are explained in its README.md.

import { readFileSync } from 'node:fs'

type Fields = Record<string, unknown>

const FOLDER = new URL('../../../tests/vectors/', import.meta.url)

const MARKS: Record<string, (argument: never) => unknown> = {
  $bytes: (text: string) => fromBase64(text),
  $zeros: (size: number) => new Uint8Array(size),
  $zeros64: (size: number) => Buffer.alloc(size).toString('base64'),
  $text: ([char, count]: [string, number]) => char.repeat(count),
  $list: ([item, count]: [unknown, number]) => Array.from({ length: count }, () => bridge(item)),
  $number: (name: string) => Number(name),
  $proto: (fields: Fields) => ({ ...fields, ['__proto__']: 1 })
}

/** The file `name` as it stands. */
export function load<T>(name: string): T {
  return JSON.parse(readFileSync(new URL(name, FOLDER), 'utf8')) as T
}

/** `value` with its marks replaced, bytes as the bridge has them. */
export function bridge(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(bridge)
  if (typeof value !== 'object' || value === null) return value
  const mark = MARKS[Object.keys(value)[0] ?? '']
  if (mark) return mark(Object.values(value)[0] as never)
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, bridge(item)]))
}

export function fromBase64(text: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(Buffer.from(text, 'base64'))
}

/** The payload of the one frame in a vector. */
export function payload(frameHex: string): string {
  const frame = Buffer.from(frameHex, 'hex')
  if (frame.readUInt32LE(0) !== frame.length - 4) throw new Error('not one whole frame')
  return frame.subarray(4).toString('utf8')
}
