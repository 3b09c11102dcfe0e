/** Whether nothing more is said about a stream after a message of this type. */
export function isTerminal(type: unknown): boolean {
  return type === 'STREAM_END' || type === 'STREAM_ERROR' || type === 'STREAM_ABORTED'
}
