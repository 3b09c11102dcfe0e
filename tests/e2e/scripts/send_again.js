export default async ({ url, size, made, options }) => {
  const form = (bytes) => {
    const data = new FormData()
    data.append('file', new File([bytes], 'random.bin'))
    return data
  }
  const told = [],
    bytes = random(size)
  const body = made === 'request' ? bytes : new Function('bytes', 'form', `return ${made}`)(bytes, form)
  const longwire = new Function('told', `return ${options}`)(told)
  const init = { method: 'POST', body }
  const straight = body instanceof FormData ? null : await sha256(await new Response(body).bytes())
  const response = await (made === 'request'
    ? window.longwire.fetch(new Request(url, init), { longwire })
    : window.longwire.fetch(url, { ...init, longwire }))
  return { ...(await response.json()), straight, told, redirected: response.redirected }
}
