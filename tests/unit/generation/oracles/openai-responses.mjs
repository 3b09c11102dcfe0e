import { answering, main, vendor } from './common.mjs'

const OpenAI = vendor('openai')

await main(async (vector, so) => {
  const client = new OpenAI({ apiKey: 'none', maxRetries: 0, fetch: answering(vector) })
  const stream = client.responses.stream({ model: 'm', input: 'x' })
  stream.on('response.output_text.delta', ({ delta }) => (so.text += delta))
  stream.on('response.reasoning_summary_text.delta', ({ delta }) => (so.reasoning += delta))
  const done = await stream.finalResponse()
  so.finish = done.status === 'incomplete' ? done.incomplete_details.reason : done.status
  so.calls = done.output.filter(({ type }) => type === 'function_call').map((call) => ({ id: call.call_id, name: call.name, arguments: call.arguments }))
  so.usage = done.usage && { input: done.usage.input_tokens, output: done.usage.output_tokens }
})
