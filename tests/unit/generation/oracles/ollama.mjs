import { answering, main, vendor } from './common.mjs'

const { Ollama } = vendor('ollama/browser')

await main(async (vector, so) => {
  const client = new Ollama({ host: 'http://127.0.0.1:11434', fetch: answering(vector) })
  for await (const line of await client.chat({ model: 'm', messages: [], stream: true })) {
    so.text += line.message.content ?? ''
    so.reasoning += line.message.thinking ?? ''
    for (const call of line.message.tool_calls ?? []) {
      so.calls.push({ id: call.id, name: call.function.name, arguments: JSON.stringify(call.function.arguments) })
    }
    if (line.done) {
      so.finish = line.done_reason ?? null
      so.usage = { input: line.prompt_eval_count ?? null, output: line.eval_count ?? null }
    }
  }
})
