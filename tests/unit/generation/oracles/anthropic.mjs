import { answering, main, vendor } from './common.mjs'

const Anthropic = vendor('@anthropic-ai/sdk')

await main(async (vector, so) => {
  const client = new Anthropic({ apiKey: 'none', maxRetries: 0, fetch: answering(vector) })
  const stream = client.messages.stream({ model: 'm', max_tokens: 9, messages: [{ role: 'user', content: 'x' }] })
  stream.on('text', (text) => (so.text += text))
  stream.on('thinking', (text) => (so.reasoning += text))
  const done = await stream.finalMessage()
  so.text = done.content.map(({ text }) => text ?? '').join('')
  so.finish = done.stop_reason
  so.calls = done.content.filter(({ type }) => type === 'tool_use').map((call) => ({ id: call.id, name: call.name, arguments: JSON.stringify(call.input) }))
  so.usage = { input: done.usage.input_tokens, output: done.usage.output_tokens }
})
