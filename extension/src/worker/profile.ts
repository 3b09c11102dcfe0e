import type { Storage } from '../platform/platform'

/** Under which the profile's id is kept. */
export const PROFILE = 'profile'

/**
 * Which browser profile this is: a random id, made when it is first needed and kept with the profile. It is what keeps one
 * profile's durable requests from another's, so nobody but the host is told.
 *
 * What has to know it waits, and so does everything behind that, in the order in which it came.
 */
export class Profile {
  readonly #storage: Storage
  #reading: Promise<void> | null = null
  #id: string | null = null

  constructor(storage: Storage) {
    this.#storage = storage
  }

  /** Null as long as nobody needed it, and where the browser does not keep it. */
  get id(): string | null {
    return this.#id
  }

  /** Read the id that is kept, if there is one, and make none. */
  async recall(): Promise<void> {
    try {
      const kept = (await this.#storage.get(PROFILE))[PROFILE]
      if (typeof kept === 'string') this.#id ??= kept
    } catch {
      // Whoever needs it will be told.
    }
  }

  /** @param needed whether `act` has to know it; what need not is held back only while something before it waits */
  whenKnown(needed: boolean, act: () => void): void {
    if (needed && this.#id === null && this.#reading === null) {
      this.#reading = this.#read()
      // Before all that waits, which is due by then, and comes before whatever is said from here on.
      void this.#reading.then(() => {
        this.#reading = null
      })
    }
    if (this.#reading === null) act()
    else void this.#reading.then(act)
  }

  async #read(): Promise<void> {
    try {
      const kept = (await this.#storage.get(PROFILE))[PROFILE]
      this.#id = typeof kept === 'string' ? kept : await this.#make()
    } catch (error) {
      console.warn('Longwire: the browser keeps nothing for the extension, so no request can be durable', error)
    }
  }

  /** Kept before it is used: an id that is gone with this worker would leave requests that nobody finds again. */
  async #make(): Promise<string> {
    const id = crypto.randomUUID()
    await this.#storage.set({ [PROFILE]: id })
    return id
  }
}
