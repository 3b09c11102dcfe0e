import { addListener, append, NativeMessageChannel, postMessage, startPort } from './builtins'

/** One message is one task, which no browser delays as it delays timers. */
const { port1, port2 } = new NativeMessageChannel()
let waiting: (() => void)[] = []
let running: (() => void)[] = []
let next = 0

addListener(port2, 'message', () => {
  if (next === running.length) {
    running = waiting
    waiting = []
    next = 0
  }
  const task = running[next]
  next += 1
  task?.()
})
startPort(port2)

/** Run `task` in a task of its own, in order: what the page's promises have to do comes between two. */
export function queueTask(task: () => void): void {
  append(waiting, task)
  postMessage(port1, null)
}
