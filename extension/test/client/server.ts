// A loopback server whose answers a test writes, and what came to it.

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach } from 'vitest'

/** One request that came. */
export interface Received {
  readonly method: string
  readonly path: string
  readonly headers: IncomingMessage['headers']
  readonly body: string
}

/** Answers a request; `turn` counts from 0. */
export type Answer = (response: ServerResponse, request: Received, turn: number) => void | Promise<void>

export interface TestServer {
  readonly url: string
  readonly received: Received[]
  /** Resolves when the peer of the last answer has gone before its end. */
  readonly gone: Promise<void>
}

const running: (() => Promise<void>)[] = []

afterEach(async () => {
  await Promise.all(running.splice(0).map((stop) => stop()))
})

/** A server that ends with the test. */
export async function serve(answer: Answer): Promise<TestServer> {
  const received: Received[] = []
  let peerGone = () => {}
  const gone = new Promise<void>((resolve) => {
    peerGone = resolve
  })
  const server = createServer(async (request, response) => {
    let body = ''
    for await (const piece of request.setEncoding('utf8')) body += piece
    const { method = '', url: path = '', headers } = request
    received.push({ method, path, headers, body })
    response.on('close', () => {
      if (!response.writableFinished) peerGone()
    })
    await answer(response, received[received.length - 1] as Received, received.length - 1)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  running.push(async () => {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  })
  const { port } = server.address() as AddressInfo
  return { url: `http://127.0.0.1:${port}/`, received, gone }
}

/** An event stream, whole. */
export function sse(text: string, headers: Record<string, string> = {}): Answer {
  return body(text, { 'content-type': 'text/event-stream', ...headers })
}

/** A body, whole. */
export function body(text: string | Uint8Array, headers: Record<string, string>, status = 200): Answer {
  return (response) => {
    response.writeHead(status, headers).end(text)
  }
}

/** An event stream whose connection is cut after `text`, or before any byte without it. */
export function cut(text = ''): Answer {
  return (response) => {
    if (text === '') return void response.socket?.destroy()
    response.writeHead(200, { 'content-type': 'text/event-stream', 'content-length': '100000' })
    // Handed to the kernel, and only then broken: else it may never leave.
    response.write(text, () => setImmediate(() => response.socket?.end()))
  }
}

/** One answer after the other; the last one for all that come later. */
export function inTurn(...answers: Answer[]): Answer {
  return (response, request, turn) => (answers[turn] ?? (answers.at(-1) as Answer))(response, request, turn)
}

/** The error that a promise is rejected with. */
export async function failureOf(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise
  } catch (error) {
    return error
  }
  throw new Error('it did not fail')
}
