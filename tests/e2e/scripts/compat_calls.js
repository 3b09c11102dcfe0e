export default async (root) => {
  const chunks = []
  const whole = await compat.chatWithModelStream({ model: 'm', messages: [] }, (chunk) => chunks.push(chunk))
  const { status, url } = await compat.authFetch(`${root}echo`, {}, { timeout: 60000 })
  const failed = await compat.authFetch('https://elsewhere.test/').catch(({ code }) => code)
  return { chunks, whole, status, url, failed }
}
