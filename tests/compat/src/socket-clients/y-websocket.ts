import { WebsocketProvider } from 'y-websocket'
import * as Y from 'yjs'
import { Count, type SocketClient } from '../session'

export const client: SocketClient = {
  reconnects: true,
  async open(task) {
    const changes = new Count()
    const doc = new Y.Doc()
    // Else a random one, of any length as it is sent.
    doc.clientID = 1
    const provider = new WebsocketProvider(task.url, 'room', doc, {
      WebSocketPolyfill: task.WebSocket,
      disableBc: true,
      maxBackoffTime: 50
    })
    provider.on('status', ({ status }) => task.tell(['status', status]))
    provider.on('connection-close', (event) => {
      if (event !== null) task.tell(['connection-close', event.code, event.reason, event.wasClean])
    })
    provider.on('connection-error', ({ type }) => task.tell(['connection-error', type]))
    provider.on('sync', (synced: boolean) => {
      task.tell(['sync', synced])
      if (synced) changes.mark()
    })
    await changes.until(1)
    const said = doc.getMap('said')
    const heard = doc.getMap('heard')
    let number = 0
    const echoed = (value: unknown) =>
      new Promise<unknown>((resolve) => {
        const key = `${++number}`
        const observe = () => {
          if (!heard.has(key)) return
          heard.unobserve(observe)
          resolve(heard.get(key))
        }
        heard.observe(observe)
        said.set(key, value)
      })
    return {
      changes,
      text: echoed,
      binary: async (bytes) => (await echoed(bytes)) as Uint8Array,
      close() {
        provider.destroy()
        doc.destroy()
      }
    }
  }
}
