import { RpcError } from './errors'

/** @throws {RpcError} BAD_PAYLOAD */
export function jsonOf(value: unknown): string {
  let text: string | undefined
  try {
    text = JSON.stringify(value)
  } catch (cause) {
    throw new RpcError('BAD_PAYLOAD', undefined, { cause })
  }
  if (text === undefined) throw new RpcError('BAD_PAYLOAD')
  return text
}

/** An item of a stream as it goes over the wire: JSON, or bytes. */
export function itemOf(value: unknown): string | Uint8Array {
  if (value instanceof ArrayBuffer) return new Uint8Array(value)
  if (ArrayBuffer.isView(value)) return new Uint8Array(value.buffer, value.byteOffset, value.byteLength)
  return jsonOf(value)
}

/** `Promise.withResolvers`, which Node 20 does not have. */
export function deferred<T>(): {
  promise: Promise<T>
  resolve: (value: T) => void
  reject: (reason: unknown) => void
} {
  let resolve: (value: T) => void = () => undefined
  let reject: (reason: unknown) => void = () => undefined
  const promise = new Promise<T>((onResolve, onReject) => {
    resolve = onResolve
    reject = onReject
  })
  return { promise, resolve, reject }
}
