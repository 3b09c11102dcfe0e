import RFB from '@novnc/novnc'
import { Count, type SocketClient } from '../session'

export const client: SocketClient = {
  reconnects: false,
  async open(task) {
    const changes = new Count()
    const target = document.createElement('div')
    document.body.append(target)
    const rfb = new RFB(target, new task.WebSocket(`${task.url}/websockify`, ['binary']))
    let take: (text: string) => void = () => undefined
    rfb.addEventListener('desktopname', ({ detail }) => task.tell(['desktopname', detail.name]))
    rfb.addEventListener('clipboard', ({ detail }) => take(detail.text ?? ''))
    rfb.addEventListener('disconnect', ({ detail }) => {
      task.tell(['disconnect', detail.clean])
      target.remove()
      changes.mark()
    })
    await Promise.race([
      new Promise<void>((resolve) => rfb.addEventListener('connect', () => resolve())),
      changes.until(1).then(() => Promise.reject(new Error('disconnected')))
    ])
    const pasted = (text: string) =>
      new Promise<string>((resolve) => {
        take = resolve
        rfb.clipboardPasteFrom(text)
      })
    return {
      changes,
      text: pasted,
      // All of the protocol is bytes; a clipboard has any of them.
      binary: async (bytes) => {
        const text = await pasted(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(''))
        return Uint8Array.from(text, (character) => character.charCodeAt(0))
      },
      close() {
        rfb.disconnect()
        return changes.until(1)
      }
    }
  }
}
