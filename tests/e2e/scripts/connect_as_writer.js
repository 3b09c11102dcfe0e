// What a content script that is not the writer can do: open the writer's port, and say what the writer would.
export default async (name, messages) => {
  const port = chrome.runtime.connect({ name })
  const heard = []
  const done = new Promise((resolve) => {
    port.onDisconnect.addListener(() => resolve('disconnected'))
    port.onMessage.addListener((message) => {
      heard.push(message)
      if (['STREAM_END', 'STREAM_ERROR', 'SETTINGS', 'REFUSED'].includes(message.type)) resolve('answered')
    })
  })
  for (const message of messages) port.postMessage(message)
  return { how: await done, heard }
}
