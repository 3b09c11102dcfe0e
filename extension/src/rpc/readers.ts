import type { Core } from './core'

interface Reader {
  readonly controller: ReadableStreamDefaultController<unknown>
  /** Somebody waits for an item. */
  wake: (() => void) | null
}

/** The streams that are received, as `ReadableStream`s. */
export class Readers {
  readonly #core: Core
  readonly #pump: () => void
  readonly #readers = new Map<string, Reader>()

  constructor(core: Core, pump: () => void) {
    this.#core = core
    this.#pump = pump
  }

  open<T>(streamId: string, window: number): ReadableStream<T> {
    this.#core.claim(streamId, window)
    let reader: Reader
    return new ReadableStream<T>(
      {
        start: (controller) => {
          reader = { controller: controller as ReadableStreamDefaultController<unknown>, wake: null }
          this.#readers.set(streamId, reader)
        },
        pull: () => this.#give(streamId, reader),
        cancel: () => this.#forget(streamId, reader)
      },
      // Nothing is taken that nobody asked for: what is in a stream's own queue is lost when it errors.
      { highWaterMark: 0 }
    )
  }

  /** Gives one item, or the end; waits for it. */
  #give(streamId: string, reader: Reader): Promise<void> | void {
    const taken = this.#core.take(streamId)
    if (taken === undefined) {
      return new Promise((resolve) => {
        reader.wake = () => {
          reader.wake = null
          resolve()
          if (this.#readers.get(streamId) === reader) void this.#give(streamId, reader)
        }
      })
    }
    if ('item' in taken) reader.controller.enqueue(taken.item)
    else {
      this.#readers.delete(streamId)
      if (taken.end === null) reader.controller.close()
      else reader.controller.error(taken.end)
    }
    this.#pump()
  }

  readable(streamId: string): void {
    this.#readers.get(streamId)?.wake?.()
  }

  close(streamId: string): void {
    const reader = this.#readers.get(streamId)
    if (reader === undefined) return
    this.#forget(streamId, reader)
    reader.controller.close()
  }

  #forget(streamId: string, reader: Reader): void {
    if (this.#readers.get(streamId) !== reader) return
    this.#readers.delete(streamId)
    this.#core.cancel(streamId)
    reader.wake?.()
    this.#pump()
  }
}
