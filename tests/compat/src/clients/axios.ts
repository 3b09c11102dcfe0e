import axios from 'axios'
import { type Client, fields, showText, type Task } from '../task'

const make = (task: Task) =>
  axios.create({
    adapter: 'fetch',
    env: { fetch: task.fetch },
    baseURL: task.base,
    headers: { Authorization: `Bearer ${task.key}` },
    signal: task.signal
  })

export const client: Client = {
  async whole(task) {
    const loaded: unknown[] = []
    const response = await make(task).post(
      '/items',
      { q: 'Grüße, 世界' },
      { onDownloadProgress: (progress) => loaded.push([progress.loaded, progress.total]) }
    )
    const { status, statusText, data, headers } = response
    return { status, statusText, data, headers: fields(Object.entries(headers)), loaded: loaded.at(-1) }
  },
  async stream(task) {
    const { data } = await make(task).get<ReadableStream<Uint8Array>>('/tail', { responseType: 'stream' })
    return showText(data, task)
  }
}
