import { HttpTransportType, HubConnectionBuilder, type IHttpConnectionOptions, LogLevel } from '@microsoft/signalr'
import { Count, type SocketClient } from '../session'

export const client: SocketClient = {
  reconnects: true,
  async open(task) {
    const changes = new Count()
    const closed = new Count()
    // Its types leave `WebSocket` out.
    const options: IHttpConnectionOptions & { WebSocket: typeof WebSocket } = {
      WebSocket: task.WebSocket,
      transport: HttpTransportType.WebSockets,
      skipNegotiation: true
    }
    const hub = new HubConnectionBuilder()
      .withUrl(`${task.url.replace('ws:', 'http:')}/hub`, options)
      .configureLogging(LogLevel.None)
      .withAutomaticReconnect([0, 10])
      .build()
    hub.on('Greeting', (text) => task.tell(['greeting', text]))
    hub.onreconnecting((error) => task.tell(['reconnecting', error?.message]))
    hub.onreconnected(() => {
      task.tell('reconnected')
      changes.mark()
    })
    hub.onclose((error) => {
      task.tell(['close', error?.message])
      closed.mark()
    })
    await hub.start()
    changes.mark()
    return {
      changes,
      async text(text) {
        const letters: unknown[] = []
        await new Promise<void>((complete, error) => {
          hub.stream('Letters', text.slice(0, 5)).subscribe({ next: (one) => letters.push(one), complete, error })
        })
        task.tell(letters)
        return hub.invoke('Echo', text)
      },
      close: () => hub.stop()
    }
  }
}
