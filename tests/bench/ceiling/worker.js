// Asks the bench's server what to do, opens the bare host, does that with it, reports what came of it.
const SERVER = '@SERVER@'
const WINDOW_BYTES = 8 << 20
const REPORT_EVERY = 4

// Down: drop what comes. Of small messages, which have the host's clock in them, keep how late each was.
function down(port, { ahead_bytes: ahead }, finish) {
  const delays = []
  let began
  let taken = 0
  port.onMessage.addListener((message) => {
    began ??= performance.now()
    if (message.at !== undefined) delays.push(performance.timeOrigin + performance.now() - message.at)
    else if (message.type === 'END') return finish({ milliseconds: performance.now() - began, delays })
    if (ahead > 0 && message.offset !== undefined && ++taken % REPORT_EVERY === 0) port.postMessage({ taken })
  })
}

// Up: say the same over and over, never more than a window ahead of what the host says that it has read.
function up(port, { megabytes, body_bytes: size }, finish) {
  const bytes = new Uint8Array(size)
  for (let at = 0; at < size; at += 65536) crypto.getRandomValues(bytes.subarray(at, at + 65536))
  const data = bytes.toBase64()
  const count = Math.floor((megabytes * 1_000_000) / size)
  let sent = 0
  const send = (read) => {
    for (; sent < count && (sent - read) * size < WINDOW_BYTES; sent += 1)
      port.postMessage({ type: 'STREAM_BODY', id: 1, offset: sent * size, data })
  }
  port.onMessage.addListener((message) => {
    if (message.type === 'END') finish({ milliseconds: message.milliseconds, delays: [] })
    else send(message.read)
  })
  send(0)
}

function carryOut(order) {
  return new Promise((resolve, reject) => {
    const port = chrome.runtime.connectNative('com.longwire.ceiling')
    port.onDisconnect.addListener(() => reject(new Error(chrome.runtime.lastError?.message)))
    port.postMessage(order)
    const finish = (report) => {
      resolve(report)
      port.disconnect()
    }
    if (order.up) up(port, order, finish)
    else down(port, order, finish)
  })
}

async function serve() {
  for (;;) {
    const order = await (await fetch(`${SERVER}/ceiling/next`)).json()
    if (order === null) return
    const report = await carryOut(order).catch((error) => ({ error: String(error) }))
    await fetch(`${SERVER}/ceiling/done`, { method: 'POST', body: JSON.stringify(report) })
  }
}

void serve()
