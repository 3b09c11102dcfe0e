// All that the extension keeps of streams over its worker's end, as text: pieces are packed. `hidden`: for private windows.
export default async (hidden) => {
  const done = (request) =>
    new Promise((resolve, reject) => {
      request.onsuccess = () => resolve(request.result)
      request.onerror = () => reject(request.error)
    })
  const itemsOf = async (database) => {
    const items = await done(database.transaction('items').objectStore('items').getAll())
    database.close()
    return items
  }
  const stored = hidden
    ? await itemsOf(await done(indexedDB.open('longwire-session')))
    : Object.values(await chrome.storage.session.get(null))
  const texts = await Promise.all(
    stored.map((value) => {
      if (typeof value !== 'string') return JSON.stringify(value)
      const packed = new Blob([Uint8Array.fromBase64(value)])
      return new Response(packed.stream().pipeThrough(new DecompressionStream('gzip'))).text()
    })
  )
  return texts.join('\n')
}
