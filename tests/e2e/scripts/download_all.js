export default (url) => {
  window.downloaded = 0
  window.downloading = (async () => {
    for await (const chunk of (await longwire.fetch(url)).body) downloaded += chunk.length
  })()
  downloading.catch(() => undefined)
}
