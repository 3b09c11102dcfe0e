// Asks the bench's server what to do, opens the bare host, drops what comes, reports how long it took.
const SERVER = '@SERVER@'

function drain(megabytes) {
  return new Promise((resolve, reject) => {
    const port = chrome.runtime.connectNative('com.longwire.ceiling')
    let began
    port.onMessage.addListener((message) => {
      began ??= performance.now()
      if (message.type !== 'END') return
      resolve(performance.now() - began)
      port.disconnect()
    })
    port.onDisconnect.addListener(() => reject(new Error(chrome.runtime.lastError?.message)))
    port.postMessage({ megabytes })
  })
}

async function serve() {
  for (;;) {
    const { megabytes } = await (await fetch(`${SERVER}/ceiling/next`)).json()
    if (megabytes === 0) return
    const milliseconds = await drain(megabytes).catch((error) => String(error))
    await fetch(`${SERVER}/ceiling/done`, { method: 'POST', body: JSON.stringify({ milliseconds }) })
  }
}

void serve()
