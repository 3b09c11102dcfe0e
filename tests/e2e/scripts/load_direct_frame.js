export default (src) =>
  new Promise((resolve) => {
    const frame = Object.assign(document.createElement('iframe'), { src })
    frame.onload = () => {
      const { port1, port2 } = new MessageChannel()
      window.heard = []
      port1.onmessage = ({ data }) => heard.push(data)
      frame.contentWindow.postMessage('0'.repeat(32), '*', [port2])
      resolve()
    }
    document.body.append(frame)
  })
