import { KernelAPI, ServerConnection } from '@jupyterlab/services'
import { KernelConnection } from '@jupyterlab/services/lib/kernel/default'
import type { IStreamMsg } from '@jupyterlab/services/lib/kernel/messages'
import { Count, type SocketClient } from '../session'

export const client: SocketClient = {
  reconnects: true,
  async open(task) {
    const changes = new Count()
    const serverSettings = ServerConnection.makeSettings({
      baseUrl: task.url.replace('ws:', 'http:'),
      wsUrl: task.url,
      WebSocket: task.WebSocket,
      fetch: task.fetch
    })
    const model = await KernelAPI.startNew({ name: 'echo' }, serverSettings)
    const kernel = new KernelConnection({
      model,
      serverSettings,
      clientId: 'compat',
      username: 'me',
      handleComms: true
    })
    kernel.connectionStatusChanged.connect((_, status) => {
      task.tell(['connection', status])
      if (status === 'connected') changes.mark()
    })
    await changes.until(1)
    const { banner } = await kernel.info
    task.tell(['kernel', banner])
    return {
      changes,
      async text(text) {
        let printed = ''
        const future = kernel.requestExecute({ code: text })
        future.onIOPub = (message) => {
          if (message.header.msg_type === 'stream') printed += (message as IStreamMsg).content.text
        }
        const { content } = await future.done
        task.tell(['execute', content.status])
        return printed
      },
      binary(bytes) {
        const comm = kernel.createComm('echo')
        return new Promise((resolve) => {
          comm.onMsg = ({ buffers }) => {
            const [view] = buffers as DataView<ArrayBuffer>[]
            resolve(new Uint8Array(view?.buffer ?? new ArrayBuffer()))
          }
          // Of a view it would send the whole buffer behind it.
          comm.send({}, {}, [bytes.slice()])
        })
      },
      close: () => kernel.dispose()
    }
  }
}
