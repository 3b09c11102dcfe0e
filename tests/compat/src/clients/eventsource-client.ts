import { createEventSource } from 'eventsource-client'
import type { Client } from '../task'

export const client: Client = {
  stream: (task) =>
    new Promise((resolve) => {
      const events: unknown[] = []
      const source = createEventSource({
        url: `${task.base}/feed`,
        method: 'POST',
        headers: { Authorization: `Bearer ${task.key}`, 'Content-Type': 'application/json' },
        body: JSON.stringify({ topic: 'Grüße' }),
        fetch: task.fetch,
        onConnect: () => events.push('connect'),
        onDisconnect: () => events.push('disconnect'),
        onMessage: ({ id, event, data }) => {
          events.push({ id, event, data })
          if (event === 'close') end()
          else task.show(data)
        },
        onScheduleReconnect: ({ delay }) => {
          events.push({ delay })
          // What broke in the stream is resumed; a connection without one would be tried again in two seconds.
          if (source.lastEventId === undefined) end()
        }
      })
      const end = () => {
        source.close()
        // A copy: what a closed source still reports is a matter of its timing.
        resolve({ events: [...events], state: source.readyState, lastEventId: source.lastEventId })
      }
      task.signal.addEventListener('abort', end)
    })
}
