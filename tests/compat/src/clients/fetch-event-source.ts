import { fetchEventSource } from '@microsoft/fetch-event-source'
import type { Client } from '../task'

export const client: Client = {
  async stream(task) {
    const events: unknown[] = []
    const errors: string[] = []
    await fetchEventSource(`${task.base}/feed`, {
      method: 'POST',
      headers: { Authorization: `Bearer ${task.key}`, 'Content-Type': 'application/json' },
      body: JSON.stringify({ topic: 'Grüße' }),
      fetch: task.fetch,
      signal: task.signal,
      openWhenHidden: true,
      onmessage: (event) => {
        events.push(event)
        if (event.event !== 'close') task.show(event.data)
      },
      onerror: (error) => {
        // What broke in the stream is resumed, after the time that the server gave.
        if (events.length === 0) throw error
        errors.push(error instanceof TypeError ? 'TypeError' : String(error))
      }
    })
    return { events, errors }
  }
}
