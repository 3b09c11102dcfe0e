/** As much of a storage area as is used here. */
export interface Storage {
  get(key: string): Promise<Record<string, unknown>>
  set(items: Record<string, unknown>): Promise<void>
}

/**
 * A storage area that no content script can open. Chromium lets them into `chrome.storage.local` unless told otherwise, and
 * whoever controls a page's renderer controls the relay in it: it could read which pages are granted, and add to them.
 */
export function closedToPages(area: chrome.storage.StorageArea): Storage {
  const closed = area.setAccessLevel({ accessLevel: 'TRUSTED_CONTEXTS' })
  return {
    // What is read was written before, whether or not it is closed by now; the browser keeps it closed over its restarts.
    get: (key) => area.get(key),
    set: async (items) => {
      await closed
      await area.set(items)
    }
  }
}
