export default async () => {
  const caught = []
  const listen = (window) => {
    for (const type of ['longwire:port', 'longwire:shim', 'message']) {
      window.addEventListener(type, (event) => caught.push(type), true)
    }
  }
  listen(window)
  const frame = document.createElement('iframe')
  document.body.append(frame)
  listen(frame.contentWindow)
  frame.src = '/blank'
  await new Promise((resolve) => {
    frame.onload = resolve
  })
  const shim = typeof frame.contentWindow.longwire
  return { caught, shim }
}
