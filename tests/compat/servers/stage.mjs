// One case at a time: what its sockets were asked and how they ended, and what the page wants done to them.
//
// The page tells it, by requests that go through the browser's own fetch:
//
//     /stage/begin?refuse=N           a new case, whose first N handshakes are answered with 503
//     /stage/close?code=…&reason=…    close what is open, as a server does; back when it is closed
//     /stage/lose                     end the connections of what is open, without a close frame
//     /stage/end                      back when no socket is open any more, with what there was of them

import { WebSocket } from 'ws'

/** What tests wait for, at most: it ends a case that hangs. */
const STUCK_AFTER_MS = 15_000

const fresh = (refuse) => ({ refuse, refused: 0, keys: new Set(), sockets: [] })

export class Stage {
  #key
  #case = fresh(0)
  #open = new Set()
  #changed = []

  constructor(key) {
    this.#key = key
  }

  /** Whether the request has the key that its host wants. */
  admit({ headers }) {
    const { authorization, host } = headers
    const kind = authorization === undefined ? 'none' : authorization === `Bearer ${this.#key}` ? 'injected' : 'wrong'
    this.#case.keys.add(kind)
    return kind === (host.startsWith('127.0.0.1:') ? 'injected' : 'none')
  }

  /** The status of the next handshake. */
  verdict() {
    if (this.#case.refused >= this.#case.refuse) return 101
    this.#case.refused += 1
    return 503
  }

  /**
   * From its handshake on. Where the server hangs up as soon as it is told to, how a socket ends is a race; what it
   * `ignores` is not recorded.
   */
  track(socket, { url, headers }, { hangsUp = false, ignores = () => false }) {
    const record = { url, offered: headers['sec-websocket-protocol'] ?? null, protocol: socket.protocol, received: [] }
    const { sockets } = this.#case
    sockets.push(record)
    this.#open.add(socket)
    socket.on('message', (data, isBinary) => {
      if (ignores(data)) return
      // Of bytes the number: what is in them, the client gives, and some have a random name or the time in them.
      record.received.push(isBinary ? (data.length ?? data.byteLength) : data.toString())
    })
    socket.on('error', () => undefined)
    socket.on('close', (code, reason) => {
      record.close = hangsUp ? 'hung up' : [code, reason.toString()]
      this.#open.delete(socket)
      for (const changed of this.#changed.splice(0)) changed()
    })
  }

  async obey(act, parameters) {
    if (act === 'begin') {
      for (const socket of this.#open) socket.terminate()
      await this.#closed()
      this.#case = fresh(Number(parameters.get('refuse')))
    } else if (act === 'close') {
      for (const socket of this.#open) socket.close(Number(parameters.get('code')), parameters.get('reason'))
      await this.#closed()
    } else if (act === 'lose') {
      for (const socket of this.#open) socket.terminate()
      await this.#closed()
    } else if (act === 'end') {
      await this.#closed()
      const { refused, keys, sockets } = this.#case
      return { refused, keys: [...keys], sockets }
    }
    return {}
  }

  /** Until what is open now is not. */
  async #closed() {
    const waiting = [...this.#open]
    const late = Date.now() + STUCK_AFTER_MS
    while (waiting.some((socket) => socket.readyState !== WebSocket.CLOSED || this.#open.has(socket))) {
      if (Date.now() > late) throw new Error('a socket stays open')
      await new Promise((changed) => {
        this.#changed.push(changed)
        setTimeout(changed, STUCK_AFTER_MS).unref()
      })
    }
  }
}
