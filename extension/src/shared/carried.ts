import type { FromPage, StreamAck, StreamBody, StreamBodyEnd } from '../protocol/bridge'

/** Whether a message is about a stream that lives and asks for nothing: it may go by a direct port. */
export function isCarried(message: FromPage): message is StreamBody | StreamBodyEnd | StreamAck {
  return message.type === 'STREAM_BODY' || message.type === 'STREAM_BODY_END' || message.type === 'STREAM_ACK'
}
