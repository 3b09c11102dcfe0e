import type { Core } from './core'
import { RpcError, wireError } from './errors'
import { deferred, itemOf } from './payload'

/** What carries one iterable into a stream. */
export interface Sender {
  /** The core wants another item. */
  readonly wanted: () => void
  /** The stream is over; what comes of the iterator now is of no interest. */
  readonly sent: (error: RpcError | null) => void
  readonly done: Promise<string>
}

/** Iterators that were given away: what another stream took of them would be missing in the second. */
const used = new WeakSet<object>()

/**
 * @throws {TypeError} it cannot be iterated
 * @throws {RpcError} ITERATOR_USED
 */
export function sending(
  iterable: AsyncIterable<unknown> | Iterable<unknown>,
  streamId: string,
  core: Core,
  exposed: boolean,
  pump: () => void
): Sender {
  const { promise, resolve, reject } = deferred<string>()
  const iterator = iteratorOf(iterable)
  let asking = false
  let over = false

  const finish = (error: RpcError | null) => {
    if (over) return
    over = true
    // An iterator that is done needs no `return`, and has none called; one that is asked ends when it has answered.
    if (error !== null) release()
    if (error === null) resolve(streamId)
    else reject(error)
  }
  let finished = false
  const release = () => {
    if (finished) return
    finished = true
    // Called at once, also while it is asked: a generator carries it out when its `await` is over.
    Promise.resolve()
      .then(() => iterator.return?.())
      .catch(() => undefined)
  }

  const ask = async () => {
    asking = true
    try {
      while (!over && core.wants(streamId)) {
        const { done, value } = await iterator.next()
        if (done === true) {
          finished = true
          core.end(streamId, null)
          break
        }
        if (over) break
        core.push(streamId, itemOf(value), performance.now())
        pump()
      }
    } catch (error) {
      const failure = error instanceof RpcError ? error : failureOf(error)
      // What has thrown is over; what gave something that cannot be sent is not.
      if (!(error instanceof RpcError && error.code === 'BAD_PAYLOAD')) finished = true
      else release()
      core.end(streamId, failure, wireError(error, exposed))
    }
    asking = false
    pump()
  }

  return {
    wanted: () => {
      if (!asking && !over) void ask()
    },
    sent: finish,
    done: promise
  }
}

function failureOf(error: unknown): RpcError {
  const { name, message, code, retryable } = wireError(error, true)
  return new RpcError(code, message, { name, retryable, cause: error })
}

function iteratorOf(iterable: AsyncIterable<unknown> | Iterable<unknown>): AsyncIterator<unknown> | Iterator<unknown> {
  const source = iterable as Partial<AsyncIterable<unknown> & Iterable<unknown>> | null | undefined
  const make: unknown =
    source?.[Symbol.asyncIterator] ?? (typeof source === 'string' ? null : source?.[Symbol.iterator])
  if (typeof make !== 'function') throw new TypeError('sendStream sends what `for await` can go over')
  // A ReadableStream that somebody reads.
  if ((source as { locked?: unknown }).locked === true) throw new RpcError('ITERATOR_USED')
  const iterator: AsyncIterator<unknown> | Iterator<unknown> = make.call(source)
  if (used.has(iterator)) throw new RpcError('ITERATOR_USED')
  used.add(iterator)
  return iterator
}
