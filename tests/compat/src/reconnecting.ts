import { Count, type Session, type SocketTask } from './session'

/** Of a class that stands for a WebSocket, on a server that sends all back. */
export async function session(task: SocketTask, socket: WebSocket): Promise<Session> {
  const changes = new Count()
  let take: (data: unknown) => void = () => undefined
  socket.binaryType = 'arraybuffer'
  socket.addEventListener('open', () => {
    task.tell({ type: 'open', protocol: socket.protocol })
    changes.mark()
  })
  socket.addEventListener('error', () => task.tell('error'))
  const closes = new Count()
  socket.addEventListener('close', ({ code, reason, wasClean }: CloseEvent) => {
    task.tell({ type: 'close', code, reason, wasClean })
    closes.mark()
  })
  socket.addEventListener('message', ({ type, data, origin }: MessageEvent) => {
    task.tell({ type, origin, size: typeof data === 'string' ? data.length : data.byteLength })
    take(data)
  })
  const echoed = (data: string | Uint8Array<ArrayBuffer>) =>
    new Promise<unknown>((resolve) => {
      take = resolve
      socket.send(data)
    })
  await changes.until(1)
  return {
    changes,
    text: echoed,
    binary: async (bytes) => new Uint8Array((await echoed(bytes)) as ArrayBuffer),
    close() {
      const ended = closes.next()
      socket.close(4001, 'done')
      return ended
    }
  }
}
