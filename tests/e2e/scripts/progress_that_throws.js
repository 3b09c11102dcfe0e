export default async (url) => {
  const errors = []
  addEventListener('error', (event) => {
    errors.push(event.message)
    event.preventDefault()
  })
  const onUploadProgress = () => {
    throw new RangeError('mine')
  }
  const response = await longwire.fetch(url, { method: 'POST', body: 'x', longwire: { onUploadProgress } })
  return { errors, status: response.status }
}
