navigator.serviceWorker.addEventListener('message', ({ ports: [port] }) => {
  const take = serve(port, true)
  port.onmessage = ({ data }) => take(data)
})
navigator.serviceWorker.startMessages()
