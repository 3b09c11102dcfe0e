export default async (url) => {
  const inside = async (url) => {
    const own = await fetch(url).then(
      () => 'reached',
      (error) => error.name
    )
    return [typeof self.longwire, own]
  }
  const source = `onmessage = async ({ data }) => postMessage(await (${inside})(data))`
  const worker = new Worker(URL.createObjectURL(new Blob([source])))
  worker.postMessage(url)
  return new Promise((resolve) => {
    worker.onmessage = ({ data }) => resolve(data)
  })
}
