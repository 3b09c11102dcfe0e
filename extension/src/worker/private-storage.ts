import type { SessionStorage } from '../platform/platform'
import { committed, done, opened } from '../shared/indexed'

const NAME = 'longwire-session'
const ITEMS = 'items'

/**
 * For private windows what `storage.session` is for others: in memory, and gone with the last of them.
 *
 * `storage.session` itself will not do. Chromium has one of it for an extension, and the workers of both kinds of window read
 * it (156, `"incognito": "split"`). IndexedDB it has for each kind, that of private windows in memory.
 */
export class PrivateStorage implements SessionStorage {
  #database: Promise<IDBDatabase> | null = null

  async get(keys: string | string[] | null): Promise<Record<string, unknown>> {
    const items = (await this.#transaction('readonly')).objectStore(ITEMS)
    // Both in one transaction: they fit each other.
    const [names, values] = await Promise.all([done(items.getAllKeys()), done(items.getAll())])
    const wanted = typeof keys === 'string' ? [keys] : keys
    const all = names.map((name, index) => [String(name), values[index]] as const)
    return Object.fromEntries(all.filter(([name]) => wanted === null || wanted.includes(name)))
  }

  async set(items: Record<string, unknown>): Promise<void> {
    const transaction = await this.#transaction('readwrite')
    for (const [name, value] of Object.entries(items)) transaction.objectStore(ITEMS).put(value, name)
    await committed(transaction)
  }

  async remove(keys: string[]): Promise<void> {
    const transaction = await this.#transaction('readwrite')
    for (const name of keys) transaction.objectStore(ITEMS).delete(name)
    await committed(transaction)
  }

  async #transaction(mode: IDBTransactionMode): Promise<IDBTransaction> {
    this.#database ??= opened(NAME, (database) => database.createObjectStore(ITEMS))
    return (await this.#database).transaction(ITEMS, mode)
  }
}
