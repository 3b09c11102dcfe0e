import { Ollama } from 'ollama/browser'
import type { Client, Task } from '../task'

const REQUEST = { model: 'llama3.2', messages: [{ role: 'user', content: 'Grüße, 世界' }] }

const make = (task: Task) =>
  new Ollama({ host: task.base, fetch: task.fetch, headers: { Authorization: `Bearer ${task.key}` } })

export const client: Client = {
  whole: (task) => make(task).chat({ ...REQUEST, stream: false }),
  async stream(task) {
    const ollama = make(task)
    task.signal.addEventListener('abort', () => ollama.abort())
    const parts = []
    for await (const part of await ollama.chat({ ...REQUEST, stream: true })) {
      parts.push(part)
      task.show(part.message.content)
    }
    return parts
  }
}
