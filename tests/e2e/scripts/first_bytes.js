async function firstByte(call, url) {
  const began = performance.now()
  const reader = (await call(url)).body.getReader()
  await reader.read()
  return performance.now() - began
}
window.firstBytes = Promise.all([firstByte(fetch, '/echo'), firstByte(longwire.fetch, 'UPSTREAM/echo')])
