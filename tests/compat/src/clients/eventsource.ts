import { EventSource } from 'eventsource'
import type { Client } from '../task'

export const client: Client = {
  stream: (task) =>
    new Promise((resolve) => {
      const source = new EventSource(`${task.base}/feed?topic=news`, {
        fetch: (url, init) =>
          task.fetch(url, { ...init, headers: { ...init.headers, Authorization: `Bearer ${task.key}` } })
      })
      const events: unknown[] = []
      const end = () => {
        source.close()
        resolve({ events: [...events], state: source.readyState })
      }
      const take = ({ type, data, lastEventId }: MessageEvent) => {
        events.push({ type, data, lastEventId })
        if (type === 'close') end()
        else task.show(data)
      }
      for (const type of ['message', 'news', 'close']) source.addEventListener(type, take)
      source.addEventListener('open', () => events.push('open'))
      source.addEventListener('error', ({ code, message }) => {
        // Its words for a failed fetch are those of the fetch.
        const known = code === undefined ? typeof message : message
        events.push({ type: 'error', code, message: known, state: source.readyState })
        // What broke in the stream is resumed; a first connection would be tried again in three seconds.
        if (!events.includes('open') || source.readyState === EventSource.CLOSED) end()
      })
      task.signal.addEventListener('abort', end)
    })
}
