/**
 * The browser's own functions, taken before any page script runs. A page may replace or pollute whatever it likes
 * afterwards: the shim calls nothing but these, iterates no array by protocol, and hands only null-prototype objects to
 * functions that look members up.
 *
 * A method is captured in "uncurried" form: the receiver comes first.
 */

const { bind, call } = Function.prototype
const uncurry = bind.bind(call) as <T, A extends unknown[], R>(
  method: (this: T, ...args: A) => R
) => (self: T, ...args: A) => R

/** The object without a prototype: where somebody looks members up, a polluted one answers nothing. */
export function bare<T extends object>(object: T): T {
  return setPrototypeOf(object, null)
}

/** Add to the end of an array, past whatever setters the page gave to `Array.prototype`. */
export function append<T>(array: T[], value: T): void {
  defineProperty(array, array.length, bare({ value, configurable: true, enumerable: true, writable: true }))
}

function getter<T, R>(prototype: T, name: keyof T): (self: T) => R {
  return uncurry(getOwnPropertyDescriptor(prototype, name)?.get as (this: T) => R)
}

export const { defineProperty, freeze, getOwnPropertyDescriptor, hasOwn, keys, setPrototypeOf } = Object
export const { apply, construct } = Reflect
export const NativeProxy = Proxy
export const hasInstanceSymbol: typeof Symbol.hasInstance = Symbol.hasInstance
export const { isArray } = Array
export const { isView } = ArrayBuffer
export const { isFinite: isFiniteNumber, isSafeInteger } = Number
export const { ceil, min } = Math
export const NativePromise = Promise
export const NativeTypeError = TypeError
export const NativeRequest = Request
export const NativeResponse = Response
export const NativeHeaders = Headers
export const NativeReadableStream = ReadableStream
export const NativeWeakRef = WeakRef
export const NativeFinalizationRegistry = FinalizationRegistry
export const NativeUint8Array = Uint8Array
export const NativeEvent = Event
export const asyncIteratorSymbol: typeof Symbol.asyncIterator = Symbol.asyncIterator
export const nativeFetch = fetch.bind(globalThis)
export const now = performance.now.bind(performance)
/** Throw where the page's own error handling sees it, and nowhere else. */
export const report = reportError.bind(globalThis)
// biome-ignore lint/suspicious/noConsole: where a page's developer looks for what the browser refused, too
export const complain = console.error.bind(console) as (text: string) => void
export const startTimer = setTimeout.bind(globalThis) as (task: () => void, delayMs: number) => number
export const stopTimer = clearTimeout.bind(globalThis) as (timer: number) => void

export const sliceString = uncurry(String.prototype.slice)
export const startsWith = uncurry(String.prototype.startsWith)
export const endsWith = uncurry(String.prototype.endsWith)
export const indexOf = uncurry(String.prototype.indexOf) as (text: string, part: string, from?: number) => number
export const lastIndexOf = uncurry(String.prototype.lastIndexOf) as (text: string, part: string) => number
export const encodeComponent = encodeURIComponent
export const execPattern = uncurry(RegExp.prototype.exec)
export const lowerCase = uncurry(String.prototype.toLowerCase)

// Both take the instance's own state, so an instance made here cannot be tampered with later.
const encoder = new TextEncoder()
const encodeWith = uncurry(TextEncoder.prototype.encode)
export const encodeUtf8 = (text: string): Uint8Array<ArrayBuffer> => encodeWith(encoder, text)

export const mapGet = uncurry(Map.prototype.get) as <K, V>(map: Map<K, V>, key: K) => V | undefined
export const mapSet = uncurry(Map.prototype.set) as <K, V>(map: Map<K, V>, key: K, value: V) => unknown
export const mapDelete = uncurry(Map.prototype.delete) as <K, V>(map: Map<K, V>, key: K) => boolean
export const mapForEach = uncurry(Map.prototype.forEach) as <K, V>(
  map: Map<K, V>,
  visit: (value: V, key: K) => void
) => void
export const mapSize = getter<Map<unknown, unknown>, number>(Map.prototype, 'size') as <K, V>(map: Map<K, V>) => number

const typedArray = Object.getPrototypeOf(Uint8Array.prototype) as Uint8Array
export const bytesLength = getter<Uint8Array, number>(typedArray, 'byteLength')
export const bytesSlice = uncurry(Uint8Array.prototype.slice) as (
  bytes: Uint8Array,
  start: number,
  end: number
) => Uint8Array<ArrayBuffer>
const typedArrayTag = getter<Uint8Array, string | undefined>(typedArray, Symbol.toStringTag)
const typedArrayBuffer = getter<Uint8Array, ArrayBuffer>(typedArray, 'buffer')
const typedArrayOffset = getter<Uint8Array, number>(typedArray, 'byteOffset')
const dataViewBuffer = getter<DataView, ArrayBuffer>(DataView.prototype, 'buffer')
const dataViewOffset = getter<DataView, number>(DataView.prototype, 'byteOffset')
const dataViewLength = getter<DataView, number>(DataView.prototype, 'byteLength')
const bufferLength = getter<ArrayBuffer, number>(ArrayBuffer.prototype, 'byteLength')
const bufferDetached = getter<ArrayBuffer, boolean>(ArrayBuffer.prototype, 'detached')

/**
 * The memory of a buffer or of any view, as bytes and not copied; null for everything else. What is detached has no bytes
 * (Web IDL, "get a copy of the bytes held by the buffer source").
 */
export function bytesOf(value: unknown): Uint8Array<ArrayBuffer> | null {
  if (isView(value)) {
    const typed = typedArrayTag(value as Uint8Array) !== undefined
    const buffer = typed ? typedArrayBuffer(value as Uint8Array) : dataViewBuffer(value as DataView<ArrayBuffer>)
    if (isDetached(buffer)) return new NativeUint8Array(0)
    return typed
      ? new NativeUint8Array(buffer, typedArrayOffset(value as Uint8Array), bytesLength(value as Uint8Array))
      : new NativeUint8Array(buffer, dataViewOffset(value as DataView), dataViewLength(value as DataView))
  }
  if (!brand(() => bufferLength(value as ArrayBuffer))) return null
  return isDetached(value as ArrayBuffer) ? new NativeUint8Array(0) : new NativeUint8Array(value as ArrayBuffer)
}

/** Shared memory, which the getter does not take, cannot be. */
const isDetached = (buffer: ArrayBuffer): boolean => brand(() => bufferDetached(buffer)) && bufferDetached(buffer)

/** Whether `touch`, a captured getter that throws on foreign objects, accepts the object. */
function brand(touch: () => unknown): boolean {
  try {
    touch()
    return true
  } catch {
    return false
  }
}

export const addListener = uncurry(EventTarget.prototype.addEventListener) as (
  target: EventTarget,
  type: string,
  listener: (event: never) => void,
  capture?: boolean
) => void
export const removeListener = uncurry(EventTarget.prototype.removeEventListener) as (
  target: EventTarget,
  type: string,
  listener: (event: never) => void
) => void
export const dispatch = uncurry(EventTarget.prototype.dispatchEvent)
export const preventDefault = uncurry(Event.prototype.preventDefault)
export const stopPropagation = uncurry(Event.prototype.stopImmediatePropagation)
export const eventData = getter<MessageEvent, unknown>(MessageEvent.prototype, 'data')
const eventPorts = getter<MessageEvent, readonly MessagePort[]>(MessageEvent.prototype, 'ports')
export const eventPersisted = getter<PageTransitionEvent, boolean>(PageTransitionEvent.prototype, 'persisted')
export const postMessage = uncurry(MessagePort.prototype.postMessage) as (port: MessagePort, message: unknown) => void
export const startPort = uncurry(MessagePort.prototype.start)
export const closePort = uncurry(MessagePort.prototype.close)

export const signalAborted = getter<AbortSignal, boolean>(AbortSignal.prototype, 'aborted')
export const signalReason = getter<AbortSignal, unknown>(AbortSignal.prototype, 'reason')

export const NativeURL = URL
export const urlProtocol = getter<URL, string>(URL.prototype, 'protocol')
export const urlHostname = getter<URL, string>(URL.prototype, 'hostname')
export const urlPort = getter<URL, string>(URL.prototype, 'port')
export const urlPathname = getter<URL, string>(URL.prototype, 'pathname')
export const urlSearch = getter<URL, string>(URL.prototype, 'search')
const documentBase = getter<Document, string>(Node.prototype as Document, 'baseURI')
/** Against which the page's relative URLs are resolved. */
export const baseUrl = (): string => documentBase(document)

export const requestCache = getter<Request, RequestCache>(Request.prototype, 'cache')
export const requestMethod = getter<Request, string>(Request.prototype, 'method')
export const requestUrl = getter<Request, string>(Request.prototype, 'url')
export const requestHeaders = getter<Request, Headers>(Request.prototype, 'headers')
export const requestBody = getter<Request, ReadableStream<Uint8Array> | null>(Request.prototype, 'body')
export const isRequest = (value: unknown): value is Request => brand(() => requestUrl(value as Request))
export const requestRedirect = getter<Request, RequestRedirect>(Request.prototype, 'redirect')
export const requestSignal = getter<Request, AbortSignal>(Request.prototype, 'signal')
export const requestIntegrity = getter<Request, string>(Request.prototype, 'integrity')
export const requestBlob = uncurry(Request.prototype.blob)
export const headersForEach = uncurry(Headers.prototype.forEach)
export const headersGet = uncurry(Headers.prototype.get)
export const headersHas = uncurry(Headers.prototype.has)
export const headersAppend = uncurry(Headers.prototype.append)
export const responseError = Response.error.bind(Response)
export const responseStatus = getter<Response, number>(Response.prototype, 'status')
export const responseHeaders = getter<Response, Headers>(Response.prototype, 'headers')
export const responseClone = uncurry(Response.prototype.clone)
export const responseBodyUsed = getter<Response, boolean>(Response.prototype, 'bodyUsed')

/** The methods that read a response to its end. */
export const responseReaders = bare({
  arrayBuffer: uncurry(Response.prototype.arrayBuffer),
  blob: uncurry(Response.prototype.blob),
  bytes: uncurry(Response.prototype.bytes),
  formData: uncurry(Response.prototype.formData),
  json: uncurry(Response.prototype.json),
  text: uncurry(Response.prototype.text)
})

/** Absent on pages that are no secure context. */
export const digest: SubtleCrypto['digest'] | undefined = globalThis.crypto.subtle?.digest.bind(crypto.subtle)
export const bytesToBase64 = uncurry(Uint8Array.prototype.toBase64) as (bytes: Uint8Array) => string

export const blobSize = getter<Blob, number>(Blob.prototype, 'size')
export const blobStream = uncurry(Blob.prototype.stream)
export const blobBytes = uncurry(Blob.prototype.arrayBuffer)

const streamLocked = getter<ReadableStream, boolean>(ReadableStream.prototype, 'locked')
export const isReadableStream = (value: unknown): value is ReadableStream =>
  brand(() => streamLocked(value as ReadableStream))
export const streamReader = uncurry(ReadableStream.prototype.getReader) as (
  stream: ReadableStream
) => ReadableStreamDefaultReader<unknown>
export const readerRead = uncurry(ReadableStreamDefaultReader.prototype.read) as (
  reader: ReadableStreamDefaultReader<unknown>
) => Promise<ReadableStreamReadResult<unknown>>
export const readerCancel = uncurry(ReadableStreamDefaultReader.prototype.cancel)

export const controllerEnqueue = uncurry(ReadableByteStreamController.prototype.enqueue)
export const controllerClose = uncurry(ReadableByteStreamController.prototype.close)
export const controllerError = uncurry(ReadableByteStreamController.prototype.error)
export const controllerByobRequest = getter<ReadableByteStreamController, ReadableStreamBYOBRequest | null>(
  ReadableByteStreamController.prototype,
  'byobRequest'
)
export const byobRespond = uncurry(ReadableStreamBYOBRequest.prototype.respond)

export const deref = uncurry(WeakRef.prototype.deref) as <T extends WeakKey>(ref: WeakRef<T>) => T | undefined
export const registerFinalizer = uncurry(FinalizationRegistry.prototype.register) as <T>(
  registry: FinalizationRegistry<T>,
  target: WeakKey,
  held: T
) => void
export const promiseThen = uncurry(Promise.prototype.then) as <T>(
  promise: Promise<T>,
  onFulfilled: ((value: T) => void) | undefined,
  onRejected: (reason: unknown) => void
) => Promise<unknown>

/** Say that a promise's rejection is nobody's business. */
export function ignoreRejection(promise: Promise<unknown>): void {
  promiseThen(promise, undefined, () => undefined)
}

/** The first port of an event. What is not there is not looked for: Array.prototype may have one. */
export function eventPort(event: MessageEvent): MessagePort | undefined {
  const ports = eventPorts(event)
  return ports.length > 0 ? ports[0] : undefined
}

/** Put `source` into `target` from `at` on. */
export const bytesSet = uncurry(Uint8Array.prototype.set) as (
  target: Uint8Array,
  source: Uint8Array,
  at: number
) => void
export const bytesAt = (bytes: Uint8Array, index: number): number => bytes[index] as number

export const NativeDOMException = DOMException
export const NativeEventTarget = EventTarget
export const NativeMessageEvent = MessageEvent
export const NativeCloseEvent = CloseEvent
export const NativeBlob = Blob
export const NativeRangeError = RangeError
export const NativeError = Error
export const NativeMessageChannel = MessageChannel
export const NativeWritableStream = WritableStream
export const iteratorSymbol: typeof Symbol.iterator = Symbol.iterator
export const toStringTagSymbol: typeof Symbol.toStringTag = Symbol.toStringTag
export const { max, round } = Math
export const { isNaN: isNaNumber } = Number
export const isBlob = (value: unknown): value is Blob => brand(() => blobSize(value as Blob))
export const urlOrigin = getter<URL, string>(URL.prototype, 'origin')
export const urlHash = getter<URL, string>(URL.prototype, 'hash')
export const urlHref = getter<URL, string>(URL.prototype, 'href')
export const setUrlProtocol = uncurry(
  getOwnPropertyDescriptor(URL.prototype, 'protocol')?.set as (value: string) => void
)
export const charCodeAt = uncurry(String.prototype.charCodeAt)
export const toWellFormed = uncurry(String.prototype.toWellFormed)

const decoder = new TextDecoder('utf-8', { ignoreBOM: true })
const decodeWith = uncurry(TextDecoder.prototype.decode)
/** Not past an unpaired half: what came is UTF-8, as the host has seen. */
export const decodeUtf8 = (bytes: Uint8Array): string => decodeWith(decoder, bytes)

/** A copy in memory of its own: what the page does to its buffer afterwards changes nothing. */
export const copyOfBytes = (bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> => new NativeUint8Array(bytes)
/** The memory of bytes that have it to themselves. */
export const bytesBuffer = (bytes: Uint8Array<ArrayBuffer>): ArrayBuffer => typedArrayBuffer(bytes)
export const promiseThenValue = uncurry(Promise.prototype.then) as <T, R>(
  promise: Promise<T>,
  onFulfilled: (value: T) => R
) => Promise<R>

export const readableEnqueue = uncurry(ReadableStreamDefaultController.prototype.enqueue) as (
  controller: ReadableStreamDefaultController<unknown>,
  chunk: unknown
) => void
export const readableClose = uncurry(ReadableStreamDefaultController.prototype.close)
export const readableError = uncurry(ReadableStreamDefaultController.prototype.error)
export const writableError = uncurry(WritableStreamDefaultController.prototype.error)

export const NativeDecompressionStream = DecompressionStream
export const decompressionReadable = getter<DecompressionStream, ReadableStream<Uint8Array>>(
  DecompressionStream.prototype,
  'readable'
)
export const decompressionWritable = getter<DecompressionStream, WritableStream<BufferSource>>(
  DecompressionStream.prototype,
  'writable'
)
export const pipeTo = uncurry(ReadableStream.prototype.pipeTo) as <T>(
  stream: ReadableStream<T>,
  into: WritableStream<T>
) => Promise<void>
export const streamWriter = uncurry(WritableStream.prototype.getWriter) as <T>(
  stream: WritableStream<T>
) => WritableStreamDefaultWriter<T>
export const writerWrite = uncurry(WritableStreamDefaultWriter.prototype.write) as <T>(
  writer: WritableStreamDefaultWriter<T>,
  chunk: T
) => Promise<void>
export const writerClose = uncurry(WritableStreamDefaultWriter.prototype.close)
