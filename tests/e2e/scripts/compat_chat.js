export default () => {
  window.seen = []
  window.stop = new AbortController()
  const over = compat.streamChat('7', 'Hello', ({ text }) => seen.push(text), stop.signal)
  window.over = over.catch(({ name }) => name)
}
