import { createInterface } from 'node:readline'
import * as guards from './guards.mjs'

const bytes = (key, value) =>
  key === 'data' && typeof value === 'string' && value.length % 4 === 0
    ? new Uint8Array(Buffer.from(value, 'base64'))
    : value
for await (const line of createInterface({ input: process.stdin })) {
  const guard = line.slice(0, line.indexOf(' '))
  const message = JSON.parse(line.slice(guard.length + 1), guard === 'isFromHost' ? undefined : bytes)
  // biome-ignore lint/performance/noDynamicNamespaceImportAccess: the test names the guard
  console.log(guards[guard](message))
}
