import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { events, type StreamEvent } from '../../src/client'

const MANUAL = readFileSync(new URL('../../../docs/events.md', import.meta.url), 'utf8')
const EXAMPLES = [...MANUAL.matchAll(/```sse\n(.*?)```\n\n```json\n(.*?)```/gs)].map(([, sent = '', got = '']) => ({
  sent,
  got: JSON.parse(got) as Partial<StreamEvent>[]
}))

test('the manual has an example for each form', () => {
  expect(EXAMPLES.length).toBeGreaterThan(6)
})

test.each(EXAMPLES)('docs/events.md says what comes of $sent', async ({ sent, got }) => {
  const response = new Response(sent, { headers: { 'content-type': 'text/event-stream' } })
  const seen: StreamEvent[] = []
  for await (const event of events(response)) seen.push(event)
  expect(seen).toMatchObject(got)
  expect(seen).toHaveLength(got.length)
})
