export default () =>
  new Promise((loaded) => {
    const frame = document.createElement('iframe')
    frame.src = location.href
    frame.onload = () => loaded()
    document.body.append(frame)
  })
