export { type AcceptOptions, accept, Resumables } from './accepting'
export { type ConnectOptions, connect } from './connecting'
export { RpcError, type RpcErrorCode, type RpcErrorDetails, type RpcPhase } from './errors'
export type { PeerOptions } from './options'
export type { StreamSendOptions } from './outgoing'
export type {
  Peer,
  PeerClosed,
  ReceiveOptions,
  RequestContext,
  RequestHandler,
  RequestOptions,
  SentStream
} from './peer'
export type { SocketClass, SocketLike } from './socket'
