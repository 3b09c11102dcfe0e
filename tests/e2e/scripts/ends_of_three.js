export default async ({ broken, endless, echo }) => {
  const told = []
  const toldOf = (name) => ({ longwire: { onEnd: () => told.push(name) } })
  await (await longwire.fetch(broken, toldOf('broken'))).text().catch(() => undefined)
  const aborter = new AbortController()
  const aborted = await longwire.fetch(endless, { ...toldOf('aborted'), signal: aborter.signal })
  aborter.abort()
  await aborted.text().catch(() => undefined)
  await (await longwire.fetch(endless, toldOf('cancelled'))).body.cancel()
  // One more exchange: whatever was still to come of the others is here by then.
  await (await longwire.fetch(echo, toldOf('whole'))).text()
  return told
}
