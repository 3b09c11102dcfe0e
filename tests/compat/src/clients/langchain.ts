import { ChatOpenAI } from '@langchain/openai'
import type { Client, Task } from '../task'

const make = (task: Task) =>
  new ChatOpenAI({
    model: 'gpt-5-mini',
    apiKey: task.key,
    maxRetries: task.retries,
    configuration: { baseURL: `${task.base}/v1`, fetch: task.fetch, dangerouslyAllowBrowser: true }
  })

export const client: Client = {
  async whole(task) {
    const { content, response_metadata, usage_metadata } = await make(task).invoke('Grüße, 世界', {
      signal: task.signal
    })
    return { content, response_metadata, usage_metadata }
  },
  async stream(task) {
    const parts = []
    for await (const { content, response_metadata, usage_metadata } of await make(task).stream('Grüße, 世界', {
      signal: task.signal
    })) {
      parts.push({ content, response_metadata, usage_metadata })
      task.show(content as string)
    }
    return parts
  }
}
