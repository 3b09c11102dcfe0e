export default (url) =>
  new Promise((resolve) => {
    const request = new XMLHttpRequest()
    request.onload = () => resolve('reached')
    request.onerror = () => resolve('error')
    request.open('GET', url)
    request.send()
  })
