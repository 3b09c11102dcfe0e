import { createTRPCUntypedClient, createWSClient, wsLink } from '@trpc/client'
import { Count, type SocketClient } from '../session'

export const client: SocketClient = {
  reconnects: true,
  async open(task) {
    const changes = new Count()
    const closes = new Count()
    const socket = createWSClient({
      url: task.url,
      WebSocket: task.WebSocket,
      retryDelayMs: () => 10,
      onOpen: () => {
        task.tell('open')
        changes.mark()
      },
      onError: () => task.tell('error'),
      onClose: (cause) => {
        task.tell({ type: 'close', code: cause?.code })
        closes.mark()
      }
    })
    const trpc = createTRPCUntypedClient({ links: [wsLink({ client: socket })] })
    await changes.until(1)
    return {
      changes,
      async text(text) {
        const letters: unknown[] = []
        await new Promise<void>((onComplete, onError) => {
          trpc.subscription('letters', text.slice(0, 5), { onData: (one) => letters.push(one), onComplete, onError })
        })
        task.tell(letters)
        return trpc.query('echo', text)
      },
      async close() {
        const ended = closes.next()
        await socket.close()
        return ended
      }
    }
  }
}
