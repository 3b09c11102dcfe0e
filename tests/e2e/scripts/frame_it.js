export default (url) =>
  new Promise((resolve) => {
    const frame = document.createElement('iframe')
    frame.onload = () => resolve(frame.contentDocument === null ? 'another origin' : 'blank')
    frame.src = url
    document.body.append(frame)
  })
