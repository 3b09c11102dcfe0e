import { addListener, apply, mapDelete, mapGet, mapSet, removeListener } from './builtins'

interface Entry {
  value: object
  readonly listener: (event: Event) => void
}

/** The event handler attributes of one object (HTML standard, section 8.1.8.1): one listener each, in its place. */
export class EventHandlers {
  readonly #target: EventTarget
  readonly #entries = new Map<string, Entry>()

  constructor(target: EventTarget) {
    this.#target = target
  }

  get(type: string): object | null {
    return mapGet(this.#entries, type)?.value ?? null
  }

  /** What is no object is null. An object that is no function is kept, and never called. */
  set(type: string, value: unknown): void {
    const known = mapGet(this.#entries, type)
    const usable = typeof value === 'function' || (typeof value === 'object' && value !== null)
    if (known !== undefined && usable) known.value = value as object
    else if (known !== undefined) {
      mapDelete(this.#entries, type)
      removeListener(this.#target, type, known.listener)
    } else if (usable) {
      const target = this.#target
      const entry: Entry = {
        value: value as object,
        listener: (event) => {
          if (typeof entry.value === 'function') apply(entry.value as () => unknown, target, [event])
        }
      }
      mapSet(this.#entries, type, entry)
      addListener(target, type, entry.listener)
    }
  }
}
