import {
  bare,
  blobBytes,
  blobSize,
  bytesBuffer,
  bytesLength,
  bytesOf,
  copyOfBytes,
  decodeUtf8,
  defineProperty,
  dispatch,
  encodeUtf8,
  getOwnPropertyDescriptor,
  isBlob,
  isNaNumber,
  iteratorSymbol,
  max,
  min,
  NativeBlob,
  NativeCloseEvent,
  NativeDOMException,
  NativeEvent,
  NativeEventTarget,
  NativeMessageEvent,
  NativeTypeError,
  NativeUint8Array,
  NativeURL,
  promiseThenValue,
  round,
  setPrototypeOf,
  toStringTagSymbol,
  toWellFormed,
  urlOrigin
} from './builtins'
import { EventHandlers } from './event-handlers'
import type { Socket, SocketEnd, SocketEvents, SocketPlan } from './socket'
import { readSocketArguments } from './socket-arguments'
import { BINARY, type SocketMessage, TEXT } from './socket-parts'
import { queueTask } from './tasks'

/** Opens a socket through the shim. */
export type Connect = (plan: SocketPlan, events: SocketEvents) => Socket

const STATES = bare({ CONNECTING: 0, OPEN: 1, CLOSING: 2, CLOSED: 3 })
const { CONNECTING, OPEN, CLOSING, CLOSED } = STATES

/** Of a close frame, in bytes of UTF-8. */
const MAX_REASON_BYTES = 123

type BinaryType = 'blob' | 'arraybuffer'

/** The class of the WebSockets standard, section 3.1, over the host, with headers. */
export function webSocketClass(connect: Connect) {
  class WebSocket extends NativeEventTarget {
    readonly #url: string
    readonly #origin: string
    readonly #socket: Socket
    readonly #handlers = new EventHandlers(this)
    #readyState = CONNECTING
    #protocol = ''
    /** None is asked for. */
    readonly #extensions = ''
    #binaryType: BinaryType = 'blob'
    /** What was sent after the end of sending: nobody takes it, and it is never less. */
    #unsendable = 0
    /** A message is being given to the page, or the task that gives the next one is queued. */
    #busy = false

    // Beside `url` it has no parameter that counts, as the standard's has not.
    constructor(...args: unknown[]) {
      super()
      if (args.length === 0) throw new NativeTypeError('1 argument required, but only 0 present.')
      const plan = readSocketArguments(args[0], args.length > 1 ? args[1] : undefined)
      this.#url = plan.url
      this.#origin = urlOrigin(new NativeURL(plan.url))
      this.#socket = connect(plan, {
        opened: (protocol) => this.#opened(protocol),
        arrived: () => this.#arrived(),
        taken: () => undefined
      })
    }

    get url(): string {
      return this.#url
    }

    get readyState(): number {
      return this.#readyState
    }

    get bufferedAmount(): number {
      return this.#socket.buffered + this.#unsendable
    }

    get extensions(): string {
      return this.#extensions
    }

    get protocol(): string {
      return this.#protocol
    }

    get binaryType(): BinaryType {
      return this.#binaryType
    }

    set binaryType(value: BinaryType) {
      const type = `${value}`
      // What is no value of an enumeration is ignored (Web IDL, section 3.7.6).
      if (type === 'blob' || type === 'arraybuffer') this.#binaryType = type
    }

    get onopen(): object | null {
      return this.#handlers.get('open')
    }

    set onopen(value: object | null) {
      this.#handlers.set('open', value)
    }

    get onmessage(): object | null {
      return this.#handlers.get('message')
    }

    set onmessage(value: object | null) {
      this.#handlers.set('message', value)
    }

    get onerror(): object | null {
      return this.#handlers.get('error')
    }

    set onerror(value: object | null) {
      this.#handlers.set('error', value)
    }

    get onclose(): object | null {
      return this.#handlers.get('close')
    }

    set onclose(value: object | null) {
      this.#handlers.set('close', value)
    }

    /**
     * @throws {DOMException} InvalidAccessError: a code that no page may give; SyntaxError: a reason that is too long
     */
    close(...args: unknown[]): void {
      // First of all: whether it is one.
      const readyState = this.#readyState
      const code = args.length > 0 && args[0] !== undefined ? clamped(args[0]) : undefined
      const text = args.length > 1 && args[1] !== undefined ? toWellFormed(`${args[1]}`) : ''
      const reason = encodeUtf8(text)
      checkClose(code, reason)
      if (readyState === CLOSING || readyState === CLOSED) return
      this.#readyState = CLOSING
      this.#socket.close(code ?? (text === '' ? undefined : 1000), reason)
    }

    /**
     * @throws {DOMException} InvalidStateError: it is not open yet
     */
    send(...args: unknown[]): void {
      if (args.length === 0) throw new NativeTypeError('1 argument required, but only 0 present.')
      const data = args[0]
      // To ask a text for the brands of memory throws twice, which costs more than all else here.
      const memory = typeof data !== 'string'
      const bytes = memory ? bytesOf(data) : null
      const blob = memory && bytes === null && isBlob(data)
      const text = blob || bytes !== null ? null : encodeUtf8(`${data}`)
      if (this.#readyState === CONNECTING) {
        throw new NativeDOMException('Still in CONNECTING state.', 'InvalidStateError')
      }
      const size = blob ? blobSize(data as Blob) : bytesLength(text ?? (bytes as Uint8Array))
      if (this.#readyState !== OPEN || this.#socket.over) this.#unsendable += size
      else if (text !== null) this.#socket.send(TEXT, text, size)
      else if (bytes !== null) this.#socket.send(BINARY, copyOfBytes(bytes), size)
      else {
        const read = promiseThenValue(blobBytes(data as Blob), (buffer) => new NativeUint8Array(buffer))
        this.#socket.send(BINARY, read, size)
      }
    }

    #opened(protocol: string): void {
      if (this.#readyState !== CONNECTING) return
      this.#readyState = OPEN
      this.#protocol = protocol
      dispatch(this, new NativeEvent('open'))
    }

    #arrived(): void {
      if (this.#busy) return
      this.#busy = true
      this.#next()
    }

    /** One message is one task. */
    readonly #next = (): void => {
      const message = this.#socket.take()
      if (message !== null) this.#deliver(message)
      else {
        const end = this.#socket.end()
        if (end !== null) return this.#ended(end)
      }
      if (this.#socket.waiting && (message !== null || this.#socket.over)) queueTask(this.#next)
      else this.#busy = false
    }

    #deliver({ kind, data }: SocketMessage): void {
      if (this.#readyState !== OPEN) return
      dispatch(this, new NativeMessageEvent('message', bare({ data: this.#dataOf(kind, data), origin: this.#origin })))
    }

    #dataOf(kind: number, data: Uint8Array<ArrayBuffer>): string | ArrayBuffer | Blob {
      if (kind === TEXT) return decodeUtf8(data)
      return this.#binaryType === 'blob' ? blobOf(data) : bytesBuffer(data)
    }

    /** `#busy` stays: nothing follows. */
    #ended({ code, reason, wasClean, failed, error }: SocketEnd): void {
      this.#readyState = CLOSED
      if (failed) {
        const event = new NativeEvent('error')
        if (error !== null) defineProperty(event, 'error', bare({ value: error, enumerable: true, configurable: true }))
        dispatch(this, event)
      }
      dispatch(this, new NativeCloseEvent('close', bare({ code, reason, wasClean })))
    }
  }
  asStandard(WebSocket)
  return WebSocket
}

/** One part, in a list that is not iterated by whatever the page made of lists. */
function blobOf(data: Uint8Array<ArrayBuffer>): Blob {
  const parts = [data]
  const list = {
    next: (): IteratorResult<BlobPart> => {
      const value = parts.length > 0 ? parts[0] : undefined
      parts.length = 0
      return bare(value === undefined ? { done: true, value } : { done: false, value }) as IteratorResult<BlobPart>
    }
  }
  return new NativeBlob(bare({ [iteratorSymbol]: () => bare(list) }) as unknown as BlobPart[])
}

/** Web IDL, `[Clamp] unsigned short`. */
export function clamped(value: unknown): number {
  const number = +(value as number)
  if (isNaNumber(number)) return 0
  const bounded = min(max(number, 0), 65535)
  // To the nearest, of two the even one.
  const rounded = round(bounded)
  return rounded - bounded === 0.5 && rounded % 2 === 1 ? rounded - 1 : rounded
}

/** @throws {DOMException} */
export function checkClose(code: number | undefined, reason: Uint8Array): void {
  if (code !== undefined && code !== 1000 && (code < 3000 || code > 4999)) {
    throw new NativeDOMException(
      `The close code must be either 1000, or between 3000 and 4999. ${code} is neither.`,
      'InvalidAccessError'
    )
  }
  if (bytesLength(reason) > MAX_REASON_BYTES) {
    throw new NativeDOMException(
      `The close reason must not be greater than ${MAX_REASON_BYTES} UTF-8 bytes.`,
      'SyntaxError'
    )
  }
}

/** What Web IDL makes of the class beside what a class is: constants on both, members that are enumerated, lengths. */
function asStandard(target: { prototype: object }): void {
  const { prototype } = target
  // Where two things of a bundle have one name, one of them is called otherwise in it.
  defineProperty(target, 'name', bare({ value: 'WebSocket', configurable: true }))
  for (const name in STATES) {
    const constant = bare({ value: STATES[name as keyof typeof STATES], enumerable: true })
    defineProperty(target, name, constant)
    defineProperty(prototype, name, constant)
  }
  for (const name in MEMBERS) {
    const descriptor = getOwnPropertyDescriptor(prototype, name) as PropertyDescriptor
    const length = MEMBERS[name] as number
    if (length >= 0) defineProperty(descriptor.value, 'length', bare({ value: length, configurable: true }))
    defineProperty(prototype, name, setPrototypeOf({ ...descriptor, enumerable: true }, null))
  }
  defineProperty(target, 'length', bare({ value: 1, configurable: true }))
  defineProperty(prototype, toStringTagSymbol, bare({ value: 'WebSocket', configurable: true }))
}

/** And the lengths of those that are methods. */
const MEMBERS: Record<string, number> = bare({
  url: -1,
  readyState: -1,
  bufferedAmount: -1,
  onopen: -1,
  onerror: -1,
  onclose: -1,
  extensions: -1,
  protocol: -1,
  close: 0,
  onmessage: -1,
  binaryType: -1,
  send: 1
})
