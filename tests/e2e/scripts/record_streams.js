// Three streams with a credential of the page's own: one that ends, one that the page stops, one socket.
export default async ([url, socketUrl, key]) => {
  const headers = { 'x-api-key': key, 'content-type': 'application/json' }
  const body = JSON.stringify({ prompt: 'hello', api_key: key })
  const whole = await longwire.fetch(`${url}&n=1`, { method: 'POST', headers, body })
  const text = await whole.text()
  const stop = new AbortController()
  const stopped = await longwire.fetch(`${url}&n=2`, { method: 'POST', headers, body, signal: stop.signal })
  const reader = stopped.body.getReader()
  const { value } = await reader.read()
  stop.abort()
  await reader.read().catch(() => undefined)
  const socket = new longwire.WebSocket(socketUrl)
  const received = []
  await new Promise((done, failed) => {
    socket.onerror = failed
    socket.onopen = () => socket.send(`say ${key}`)
    socket.onmessage = ({ data }) => {
      received.push(data)
      socket.close(1000, 'enough')
    }
    socket.onclose = done
  })
  return { text, first: new TextDecoder().decode(value), received }
}
