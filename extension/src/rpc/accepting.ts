import type { Hello } from './messages'
import type { PeerOptions } from './options'
import { deferred } from './payload'
import { Peer } from './peer'
import type { SocketLike } from './socket'

export interface AcceptOptions extends PeerOptions {
  /** Where peers wait whose connection was lost: streams go on when the client is back. */
  resumables?: Resumables
  /** Who it is, as the server knows it, such as a user's id: nobody else resumes its streams. */
  owner?: string
}

/** The peers of a server that may be resumed. */
export class Resumables {
  /** @internal */
  readonly peers = new Map<string, { peer: Peer; owner: string | undefined }>()

  /** How many there are, connected or not. */
  get size(): number {
    return this.peers.size
  }

  /** @internal */
  find({ resume, peer: token }: Hello, owner: string | undefined): Peer | null {
    const found = resume === undefined ? undefined : this.peers.get(resume)
    const same = found !== undefined && found.owner === owner && found.peer.tokens.other === token
    return same ? found.peer : null
  }
}

/**
 * The peer of a socket that a server accepted: a new one, or the one that the client lost the connection to.
 *
 * Resolves once it is known whom one speaks to. Rejects with an RpcError, CONNECTION_FAILED, if the socket closes before.
 *
 * @throws {TypeError} an option that is none
 */
export async function accept(socket: SocketLike, options: AcceptOptions = {}): Promise<Peer> {
  const { resumables, owner, ...rest } = options
  const peer = new Peer(rest, 'accept', resumables !== undefined)
  const { promise, resolve } = deferred<Peer>()
  peer.onConnection = (event) => {
    if (event.type === 'resume-asked') {
      const kept = resumables?.find(event.hello, owner) ?? null
      if (kept === null) return peer.refuseResume()
      peer.release()
      // The server may not have noticed yet that the old socket is dead.
      kept.lost(1006, '', false)
      kept.attach(socket, event.hello)
      resolve(kept)
    } else if (event.type === 'ready') {
      peer.onConnection = keep
      if (resumables !== undefined && event.extended) {
        resumables.peers.set(peer.tokens.own, { peer, owner })
        void peer.closed.then(() => resumables.peers.delete(peer.tokens.own))
      }
      resolve(peer)
    }
  }
  const keep: Peer['onConnection'] = ({ type }) => {
    if (type === 'expired') peer.lost(1006, '', true)
  }
  // A client that leaves in order does not come back.
  peer.onClosed = (code) => peer.keeps && code !== 1000 && code !== 1001
  if (socket.readyState === 0) socket.addEventListener('open', () => peer.attach(socket))
  else peer.attach(socket)
  return Promise.race([promise, peer.opened.then(() => promise)])
}
