import type { SocketStreamConnection, SocketStreamEnd } from './api'
import {
  addListener,
  bare,
  bytesBuffer,
  bytesLength,
  bytesOf,
  copyOfBytes,
  decodeUtf8,
  defineProperty,
  encodeUtf8,
  getOwnPropertyDescriptor,
  ignoreRejection,
  keys,
  NativeDOMException,
  NativePromise,
  NativeReadableStream,
  NativeTypeError,
  NativeWritableStream,
  readableClose,
  readableEnqueue,
  readableError,
  removeListener,
  signalAborted,
  signalReason,
  toStringTagSymbol,
  toWellFormed,
  urlHref,
  writableError
} from './builtins'
import { LongwireError } from './errors'
import type { Socket, SocketEnd } from './socket'
import { checkProtocols, parseSocketUrl, readProtocols, readSocketHeaders } from './socket-arguments'
import { BINARY, TEXT } from './socket-parts'
import { type Connect, checkClose, clamped } from './websocket'

/** How much of what is written may be on its way before the writer waits. */
const MAX_BUFFERED = 256 * 1024

const OPTIONS = bare({ protocols: 0, headers: 0, signal: 0 })

interface Settled<T> {
  readonly promise: Promise<T>
  readonly resolve: (value: T) => void
  readonly reject: (reason: unknown) => void
}

function deferred<T>(): Settled<T> {
  let resolve!: (value: T) => void
  let reject!: (reason: unknown) => void
  const promise = new NativePromise<T>((yes, no) => {
    resolve = yes
    reject = no
  })
  // As with the browser's own, nobody has to look at both.
  ignoreRejection(promise)
  return { promise, resolve, reject }
}

/** Chromium's WebSocketStream over the host, with headers: what is not read is not received, and a writer waits. */
export function webSocketStreamClass(connect: Connect) {
  class WebSocketStream {
    readonly #url: string
    #socket: Socket | null = null
    readonly #opened = deferred<SocketStreamConnection>()
    readonly #closed = deferred<SocketStreamEnd>()
    readonly #signal: AbortSignal | undefined
    #readable: ReadableStreamDefaultController<unknown> | null = null
    #writable: WritableStreamDefaultController | null = null
    /** A read waits. */
    #wanted = false
    /** The page let go of the readable. */
    #unread = false
    /** A write waits for the server to take something. */
    #room: (() => void) | null = null
    #over = false

    constructor(...args: unknown[]) {
      if (args.length === 0) throw new NativeTypeError('1 argument required, but only 0 present.')
      const url = parseSocketUrl(`${args[0]}`)
      const { protocols, headers, signal } = readOptions(args.length > 1 ? args[1] : undefined)
      checkProtocols(protocols)
      this.#url = urlHref(url)
      this.#signal = signal
      if (signal !== undefined && signalAborted(signal)) {
        this.#aborted(signal)
        return
      }
      if (signal !== undefined) addListener(signal, 'abort', this.#onAbort)
      this.#socket = connect({ url: this.#url, protocols, headers }, this.#events)
    }

    get url(): string {
      return this.#url
    }

    get opened(): Promise<SocketStreamConnection> {
      return this.#opened.promise
    }

    get closed(): Promise<SocketStreamEnd> {
      return this.#closed.promise
    }

    /** @throws {DOMException} InvalidAccessError: a code that no page may give; SyntaxError: a reason that is too long */
    close(...args: unknown[]): void {
      const given = args.length > 0 ? args[0] : undefined
      const end: { closeCode?: unknown; reason?: unknown } = isObject(given) ? (given as object) : bare({})
      const { closeCode, reason } = end
      const code = closeCode === undefined ? undefined : clamped(closeCode)
      const text = reason === undefined ? '' : toWellFormed(`${reason}`)
      const bytes = encodeUtf8(text)
      checkClose(code, bytes)
      this.#socket?.close(code ?? (text === '' ? undefined : 1000), bytes)
    }

    readonly #events = {
      opened: (protocol: string) => this.#open(protocol),
      arrived: () => this.#arrived(),
      taken: () => this.#taken()
    }

    readonly #onAbort = (): void => this.#aborted(this.#signal as AbortSignal)

    #aborted(signal: AbortSignal): void {
      this.#fail(signalReason(signal))
      this.#socket?.abandon('signal')
    }

    #open(protocol: string): void {
      this.#ignoreSignal()
      const readable = new NativeReadableStream<unknown>(
        bare({
          start: (controller: ReadableStreamDefaultController<unknown>) => {
            this.#readable = controller
          },
          pull: () => {
            this.#wanted = true
            this.#give()
          },
          cancel: (reason: unknown) => {
            this.#unread = true
            this.#closeFor(reason)
          }
        }),
        bare({ highWaterMark: 0 })
      )
      const writable = new NativeWritableStream<unknown>(
        bare({
          start: (controller: WritableStreamDefaultController) => {
            this.#writable = controller
          },
          write: (chunk: unknown) => this.#write(chunk),
          close: () => {
            this.close()
            return this.#closed.promise as unknown as Promise<void>
          },
          abort: (reason: unknown) => this.#closeFor(reason)
        }),
        bare({ highWaterMark: 1 })
      )
      this.#opened.resolve(bare({ readable, writable, protocol, extensions: '' }) as SocketStreamConnection)
    }

    #write(chunk: unknown): Promise<void> | undefined {
      // To ask a text whether it is memory throws, which costs more than all else here.
      const bytes = typeof chunk === 'string' ? null : bytesOf(chunk)
      const data = bytes === null ? encodeUtf8(`${chunk}`) : copyOfBytes(bytes)
      const socket = this.#socket
      if (this.#over || socket === null || socket.over) {
        throw new NativeDOMException('The socket is closed.', 'InvalidStateError')
      }
      socket.send(bytes === null ? TEXT : BINARY, data, bytesLength(data))
      if (socket.buffered <= MAX_BUFFERED) return undefined
      return new NativePromise((resolve) => {
        this.#room = resolve
      })
    }

    #taken(): void {
      if (this.#room === null || (this.#socket?.buffered ?? 0) > MAX_BUFFERED) return
      const resolve = this.#room
      this.#room = null
      resolve()
    }

    #arrived(): void {
      this.#give()
    }

    /** A message for the read that waits; without one nothing is made of what has come, but of a close. */
    #give(): void {
      const socket = this.#socket
      if (socket === null) return
      while (this.#wanted && !this.#over) {
        const message = socket.take()
        if (message === null) break
        this.#wanted = false
        const { kind, data } = message
        const controller = this.#readable as ReadableStreamDefaultController<unknown>
        // May come back into `pull` for the next read.
        readableEnqueue(controller, kind === TEXT ? decodeUtf8(data) : bytesBuffer(data))
      }
      const end = socket.settled()
      if (end !== null && !this.#over) this.#ended(end)
    }

    #ended(end: SocketEnd): void {
      const { code, reason, wasClean, error } = end
      if (wasClean) {
        this.#over = true
        if (this.#readable !== null && !this.#unread) readableClose(this.#readable)
        const closed = new NativeDOMException('The socket is closed.', 'InvalidStateError')
        if (this.#writable !== null) writableError(this.#writable, closed)
        this.#opened.reject(closed)
        this.#closed.resolve(bare({ closeCode: code, reason }) as SocketStreamEnd)
        this.#letGo()
        return
      }
      const phase = this.#readable === null ? 'headers' : 'body'
      const failure = error ?? new LongwireError('UPSTREAM_RESET', 'The socket ended without a close', phase)
      defineProperty(failure, 'closeCode', bare({ value: code, enumerable: true, configurable: true }))
      defineProperty(failure, 'reason', bare({ value: reason, enumerable: true, configurable: true }))
      this.#fail(failure)
    }

    #fail(reason: unknown): void {
      if (this.#over) return
      this.#over = true
      if (this.#readable !== null && !this.#unread) readableError(this.#readable, reason)
      if (this.#writable !== null) writableError(this.#writable, reason)
      this.#opened.reject(reason)
      this.#closed.reject(reason)
      this.#letGo()
    }

    #letGo(): void {
      this.#ignoreSignal()
      this.#room?.()
      this.#room = null
    }

    #ignoreSignal(): void {
      if (this.#signal !== undefined) removeListener(this.#signal, 'abort', this.#onAbort)
    }

    /** A reason may say with which code, as the browser's own WebSocketError does. */
    #closeFor(reason: unknown): void {
      const coded = isObject(reason) ? (reason as { closeCode?: unknown }).closeCode : undefined
      try {
        this.close(typeof coded === 'number' ? reason : undefined)
      } catch {
        this.close()
      }
    }
  }
  for (const name in MEMBERS) {
    const descriptor = getOwnPropertyDescriptor(WebSocketStream.prototype, name) as PropertyDescriptor
    defineProperty(WebSocketStream.prototype, name, bare({ ...descriptor, enumerable: true }))
  }
  defineProperty(WebSocketStream, 'length', bare({ value: 1, configurable: true }))
  const tag = bare({ value: 'WebSocketStream', configurable: true })
  defineProperty(WebSocketStream.prototype, toStringTagSymbol, tag)
  return WebSocketStream
}

const MEMBERS = bare({ url: 0, opened: 0, closed: 0, close: 0 })

interface StreamArguments {
  readonly protocols: string[]
  readonly headers: [string, string][]
  readonly signal: AbortSignal | undefined
}

/** @throws {TypeError} an option that is none */
function readOptions(given: unknown): StreamArguments {
  if (given === undefined || given === null) return { protocols: [], headers: [], signal: undefined }
  if (!isObject(given)) throw new NativeTypeError('The options of a WebSocketStream are not an object')
  const names = keys(given as object)
  for (let i = 0; i < names.length; i++) {
    if (!((names[i] as string) in OPTIONS)) {
      throw new NativeTypeError(
        `\`${names[i]}\` is not an option of a WebSocketStream: those are protocols, headers, signal`
      )
    }
  }
  const { protocols, headers, signal } = given as { protocols?: unknown; headers?: unknown; signal?: unknown }
  if (signal !== undefined) {
    try {
      signalAborted(signal as AbortSignal)
    } catch {
      throw new NativeTypeError('`signal` is not an AbortSignal')
    }
  }
  return {
    protocols: readProtocols(protocols),
    headers: readSocketHeaders(headers),
    signal: signal as AbortSignal | undefined
  }
}

function isObject(value: unknown): boolean {
  return (typeof value === 'object' && value !== null) || typeof value === 'function'
}
