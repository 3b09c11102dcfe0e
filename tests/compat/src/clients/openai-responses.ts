import OpenAI from 'openai'
import type { Client, Task } from '../task'

const REQUEST = { model: 'gpt-5-mini', input: 'Grüße, 世界' }

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
    const response = await make(task).responses.create(REQUEST, { signal: task.signal })
    return { response, text: response.output_text, request: response._request_id }
  },
  async stream(task) {
    const stream = make(task).responses.stream(REQUEST, { signal: task.signal })
    stream.on('response.output_text.delta', ({ delta }) => task.show(delta))
    return stream.finalResponse()
  }
}
