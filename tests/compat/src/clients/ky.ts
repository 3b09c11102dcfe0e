import ky from 'ky'
import { type Client, fields, showText, type Task } from '../task'

const make = (task: Task) =>
  ky.create({
    fetch: task.fetch,
    headers: { Authorization: `Bearer ${task.key}` },
    signal: task.signal,
    retry: { limit: task.retries, delay: () => 1 }
  })

export const client: Client = {
  async whole(task) {
    const response = await make(task).get(`${task.base}/items`, { searchParams: { q: 'Grüße' } })
    return { status: response.status, headers: fields(response.headers), json: await response.json() }
  },
  async stream(task) {
    const response = await make(task).post(`${task.base}/tail`, { json: { q: 'Grüße, 世界' } })
    return showText(response.body as ReadableStream<Uint8Array>, task)
  }
}
