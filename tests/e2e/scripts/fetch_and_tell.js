export default async ({ url, init, read }) => {
  const told = []
  let tell
  const ended = new Promise((resolve) => {
    tell = resolve
  })
  const onEnd = (end) => {
    told.push(end)
    tell()
  }
  const response = await longwire.fetch(url, { ...init, longwire: { onEnd } })
  if (read) await response.arrayBuffer()
  else await ended
  // Before what the page awaits goes on.
  const inTime = told.length === 1
  await new Promise((resolve) => setTimeout(resolve))
  return { told, inTime, timings: Object.keys(told[0].timings) }
}
