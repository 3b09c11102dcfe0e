import OpenAI from 'openai'
import type { Client, Task } from '../task'

const REQUEST = { model: 'gpt-5-mini', messages: [{ role: 'user' as const, content: 'Grüße, 世界' }] }

const make = (task: Task) =>
  new OpenAI({
    baseURL: `${task.base}/v1`,
    apiKey: task.key,
    fetch: task.fetch,
    maxRetries: task.retries,
    dangerouslyAllowBrowser: true
  })

export const client: Client = {
  async whole(task) {
    const completion = await make(task).chat.completions.create(REQUEST, { signal: task.signal })
    return { completion, request: completion._request_id }
  },
  async stream(task) {
    const stream = await make(task).chat.completions.create(
      { ...REQUEST, stream: true, stream_options: { include_usage: true } },
      { signal: task.signal }
    )
    const chunks = []
    for await (const chunk of stream) {
      chunks.push(chunk)
      task.show(chunk.choices[0]?.delta.content ?? '')
    }
    return chunks
  }
}
