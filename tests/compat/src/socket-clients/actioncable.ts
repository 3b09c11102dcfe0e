import { adapters, createConsumer } from '@rails/actioncable'
import { Count, type SocketClient } from '../session'

export const client: SocketClient = {
  reconnects: true,
  async open(task) {
    const changes = new Count()
    const closes = new Count()
    adapters.WebSocket = task.WebSocket
    let take: (message: unknown) => void = () => undefined
    const consumer = createConsumer(task.url)
    const channel = consumer.subscriptions.create('RoomChannel', {
      connected(about: unknown) {
        task.tell(['connected', about, consumer.connection.getState()])
        changes.mark()
      },
      disconnected(about: unknown) {
        task.tell(['disconnected', about])
        closes.mark()
        becomeVisible()
      },
      received: (message: unknown) => take(message)
    })
    // Of a first connection that failed, nothing is reported.
    const look = setInterval(() => {
      if (consumer.connection.getState() !== 'closed') return
      clearInterval(look)
      becomeVisible()
    }, 10)
    await changes.until(1)
    clearInterval(look)
    return {
      changes,
      text: (text) =>
        new Promise((resolve) => {
          take = (message) => resolve((message as { text: string }).text)
          channel.send({ text })
        }),
      close() {
        const ended = closes.next()
        consumer.disconnect()
        return ended
      }
    }
  }
}

/** A tab that somebody looks at again connects at once, where else it would in ten seconds. */
function becomeVisible(): void {
  dispatchEvent(new Event('visibilitychange'))
}
