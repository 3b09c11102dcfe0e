import { createClient } from 'graphql-ws'
import { Count, type SocketClient } from '../session'

export const client: SocketClient = {
  reconnects: true,
  async open(task) {
    const changes = new Count()
    const closes = new Count()
    let number = 0
    const graphql = createClient({
      url: task.url,
      webSocketImpl: task.WebSocket,
      lazy: false,
      generateID: () => `${++number}`,
      shouldRetry: () => true,
      // Without any wait it would take the `close` behind an `error` for that of its next socket, and forget that one.
      retryWait: () => new Promise((waited) => setTimeout(waited, 10)),
      onNonLazyError: () => task.tell('given up'),
      on: {
        connected: () => {
          task.tell('connected')
          changes.mark()
        },
        closed: (event) => {
          const { code, reason, wasClean } = event as CloseEvent
          task.tell({ type: 'closed', code, reason, wasClean })
          closes.mark()
        },
        error: (error) => task.tell({ type: 'error', is: (error as Event).type })
      }
    })
    await changes.until(1)
    const all = async (query: string, text: string) => {
      const found = []
      for await (const { data } of graphql.iterate({ query, variables: { text } })) found.push(data)
      return found
    }
    return {
      changes,
      async text(text) {
        const [first] = await all('query ($text: String!) { echo(text: $text) }', text)
        // A stream beside it.
        const letters = await all('subscription ($text: String!) { letters(text: $text) }', text.slice(0, 5))
        task.tell(letters)
        return first?.['echo']
      },
      close() {
        const ended = closes.next()
        graphql.dispose()
        return ended
      }
    }
  }
}
