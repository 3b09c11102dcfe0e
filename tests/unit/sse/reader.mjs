// Reads event streams with the client library: a body in base64 on each line of stdin, its events as JSON on stdout.
import { createInterface } from 'node:readline'

const { events } = await import(process.argv[2])
for await (const line of createInterface({ input: process.stdin })) {
  const headers = { 'content-type': 'text/event-stream; charset=utf-8' }
  const response = new Response(Buffer.from(line, 'base64'), { headers })
  const seen = []
  let failure = null
  try {
    for await (const { type, data, text, raw, name, id } of events(response, { json: process.argv[3] === 'json' })) {
      seen.push({ type, data, text, raw, name, id })
    }
  } catch (error) {
    failure = error.code ?? String(error)
  }
  process.stdout.write(`${JSON.stringify({ seen, failure })}\n`)
}
