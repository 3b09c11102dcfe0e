export default async (url) => {
  const errors = []
  addEventListener('error', (event) => {
    errors.push(event.message)
    event.preventDefault()
  })
  const onEnd = () => {
    throw new RangeError('mine')
  }
  const response = await longwire.fetch(url, { method: 'POST', body: 'x', longwire: { onEnd } })
  return { errors, arrived: (await response.json()).bytes }
}
