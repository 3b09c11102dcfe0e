import Anthropic from '@anthropic-ai/sdk'
import type { Client, Task } from '../task'

const REQUEST = {
  model: 'claude-sonnet-4-5',
  max_tokens: 1024,
  messages: [{ role: 'user' as const, content: 'Grüße, 世界' }]
}

const make = (task: Task) =>
  new Anthropic({
    baseURL: task.base,
    apiKey: task.key,
    fetch: task.fetch,
    maxRetries: task.retries,
    dangerouslyAllowBrowser: true
  })

export const client: Client = {
  async whole(task) {
    const message = await make(task).messages.create(REQUEST, { signal: task.signal })
    return { message, request: message._request_id }
  },
  async stream(task) {
    const stream = make(task).messages.stream(REQUEST, { signal: task.signal })
    stream.on('text', (text) => task.show(text))
    return stream.finalMessage()
  }
}
