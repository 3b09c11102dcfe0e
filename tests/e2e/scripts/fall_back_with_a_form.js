export default async () => {
  longwire.patch({ fallback: true })
  const form = new FormData()
  form.append('a', 'b')
  const response = await fetch('/echo', { method: 'POST', body: form, longwire: {} })
  return response.json()
}
