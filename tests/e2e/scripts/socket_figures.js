// Figures of small messages, over Longwire's socket or the browser's own.

const socketClass = (through) => (through === 'longwire' ? longwire.WebSocket : WebSocket)

/** Milliseconds from the server's send to here, and from here to the server. */
function socketDelays({ url, through }) {
  const socket = new (socketClass(through))(url)
  const clock = () => performance.timeOrigin + performance.now()
  const down = []
  return new Promise((resolve, reject) => {
    socket.onerror = () => reject(new Error('the socket failed'))
    socket.onmessage = ({ data }) => {
      if (data[0] === '[') return resolve({ down, up: JSON.parse(data) })
      const now = clock()
      down.push(now - Number(data))
      socket.send(String(clock()).padEnd(100))
    }
  }).finally(() => socket.close())
}

/** Messages a second, each way: `count` come at once, and then as many go. */
function socketRates({ url, through, count }) {
  const socket = new (socketClass(through))(url)
  let came = 0
  let began
  let down
  return new Promise((resolve, reject) => {
    socket.onerror = () => reject(new Error('the socket failed'))
    socket.onmessage = ({ data }) => {
      if (came === count) return resolve({ down, up: (count - 1) / Number(data) })
      came++
      if (came === 1) began = performance.now()
      if (came < count) return
      down = ((count - 1) * 1000) / (performance.now() - began)
      const message = 'x'.repeat(100)
      for (let sent = 0; sent < count; sent++) socket.send(message)
    }
  }).finally(() => socket.close())
}
