{
  const managed = chrome.storage.managed
  const get = managed.get.bind(managed)
  const value = async (...names) => {
    const settings = await get(...names)
    setTimeout(() => fetch('TELL'))
    return settings
  }
  Object.defineProperty(managed, 'get', { value })
}
