export default async (url) => {
  longwire.patch()
  const headers = { 'User-Agent': 'mine', 'X-A': '1' }
  const response = await fetch(url, { method: 'POST', body: 'x', headers })
  return (await response.json()).headers.map(([name, value]) => [name.toLowerCase(), value])
}
