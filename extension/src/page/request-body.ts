import type { InlineRequestBody, NoBody, StreamedRequestBody } from '../protocol/bridge'
import { INLINE_BODY_BYTES } from '../protocol/constants'
import {
  asyncIteratorSymbol,
  bare,
  blobBytes,
  blobSize,
  bytesLength,
  bytesOf,
  encodeUtf8,
  isReadableStream,
  NativeRequest,
  NativeUint8Array,
  requestBlob,
  requestBody
} from './builtins'
import { blobSource, bytesSource, copyOf, iterableSource, streamSource, type UploadSource } from './source'

/** Where the bytes of a request body are. */
export type BodyPlan =
  | { readonly kind: 'none' }
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array<ArrayBuffer> }
  | { readonly kind: 'source'; readonly source: UploadSource }
  | { readonly kind: 'blob'; readonly request: Request }

/** A body as STREAM_START announces it, and what follows it. */
export interface Payload {
  readonly body: NoBody | InlineRequestBody | StreamedRequestBody
  readonly source: UploadSource | null
}

/** @returns null for what is not an async iterable, or is one that Request itself understands */
export function asyncIterableBody(body: unknown): BodyPlan | null {
  if (typeof body !== 'object' || body === null || isReadableStream(body)) return null
  const iterate = (body as Partial<AsyncIterable<unknown>>)[asyncIteratorSymbol]
  if (typeof iterate !== 'function') return null
  return { kind: 'source', source: iterableSource(body as AsyncIterable<unknown>, iterate) }
}

/**
 * Where this request's bytes are.
 *
 * @param given the init's `body`, if there is one: the commonest kinds are in memory and need no detour
 */
export function planBody(request: Request, given: unknown): BodyPlan {
  const stream = requestBody(request)
  if (stream === null) return { kind: 'none' }
  if (typeof given === 'string') return { kind: 'bytes', bytes: encodeUtf8(given) }
  const bytes = bytesOf(given)
  if (bytes !== null) return { kind: 'bytes', bytes: copyOf(bytes) }
  const sized = withSizedBody(request)
  return sized === null ? { kind: 'source', source: streamSource(stream) } : { kind: 'blob', request: sized }
}

/**
 * The request with its body moved over, if that body is anything but a stream; null, and untouched, if it is one.
 *
 * A page may pass a Request, and nothing on it says what its body was made of. But a stream goes out chunked, which not
 * every server takes, while a string has a length. The constructor knows: it refuses a body of unknown length in a
 * `no-cors` request (Fetch standard, Request constructor, step 39: "if inputOrInitBody's source is null").
 */
function withSizedBody(request: Request): Request | null {
  try {
    return new NativeRequest(request, bare<RequestInit>({ mode: 'no-cors', method: 'POST' }))
  } catch {
    return null
  }
}

/**
 * The body ready to be announced: at once where its bytes are at hand, so that the start does not wait.
 *
 * @param inlineBytes up to which size it goes along with the start; none of it, if its progress is to be told
 */
export function preparePayload(plan: BodyPlan, inlineBytes = INLINE_BODY_BYTES): Payload | Promise<Payload> {
  switch (plan.kind) {
    case 'none':
      return { body: { kind: 'none' }, source: null }
    case 'bytes':
      return fromBytes(plan.bytes, inlineBytes)
    case 'source':
      return { body: { kind: 'stream' }, source: plan.source }
    case 'blob':
      return fromBlob(plan.request, inlineBytes)
  }
}

function fromBytes(bytes: Uint8Array<ArrayBuffer>, inlineBytes: number): Payload {
  const size = bytesLength(bytes)
  return size <= inlineBytes
    ? { body: { kind: 'inline', data: bytes }, source: null }
    : { body: { kind: 'stream', size, repeatable: true }, source: bytesSource(bytes) }
}

/** A blob knows its size and need not be in memory, however large a file the form holds. */
async function fromBlob(request: Request, inlineBytes: number): Promise<Payload> {
  const blob = await requestBlob(request)
  const size = blobSize(blob)
  if (size <= inlineBytes) {
    return { body: { kind: 'inline', data: new NativeUint8Array(await blobBytes(blob)) }, source: null }
  }
  return { body: { kind: 'stream', size, repeatable: true }, source: blobSource(blob) }
}

/** The body will not be sent after all. */
export function discardBody(plan: BodyPlan, reason: unknown): void {
  if (plan.kind === 'source') plan.source.cancel(reason)
}
