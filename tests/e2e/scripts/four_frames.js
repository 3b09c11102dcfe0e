// Frames of this page's own origin, each by another way to have it; done when all have loaded.
export default () => {
  const sources = { same: '/blank', nested: '/', empty: 'about:blank', inherits: null }
  const loaded = Object.entries(sources).map(
    ([name, src]) =>
      new Promise((resolve) => {
        const frame = Object.assign(document.createElement('iframe'), { name, onload: resolve })
        if (src === null) frame.srcdoc = '<title>inherits</title>'
        else frame.src = src
        document.body.append(frame)
      })
  )
  return Promise.all(loaded).then(() => Object.keys(sources))
}
