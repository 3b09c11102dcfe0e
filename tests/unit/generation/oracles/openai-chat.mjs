import { answering, main, vendor } from './common.mjs'

const OpenAI = vendor('openai')

await main(async (vector, so) => {
  const client = new OpenAI({ apiKey: 'none', maxRetries: 0, fetch: answering(vector) })
  const stream = client.chat.completions.stream({ model: 'm', messages: [{ role: 'user', content: 'x' }], stream_options: { include_usage: true } })
  stream.on('content', (text) => (so.text += text))
  const done = await stream.finalChatCompletion()
  const [choice] = done.choices
  so.finish = choice.finish_reason
  so.calls = (choice.message.tool_calls ?? []).map((call) => ({ id: call.id, name: call.function.name, arguments: call.function.arguments }))
  so.usage = done.usage && { input: done.usage.prompt_tokens, output: done.usage.completion_tokens }
})
