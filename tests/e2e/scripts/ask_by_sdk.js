// The text that OpenAI's SDK makes of an answer, by way of the host. `sdk` is its bundle.
export default async (baseURL) => {
  const client = new sdk.default({ apiKey: 'dummy', baseURL, fetch: longwire.fetch, dangerouslyAllowBrowser: true })
  const messages = [{ role: 'user', content: 'Why?' }]
  const parts = await client.chat.completions.create({ model: 'gpt-5-mini', stream: true, messages })
  let text = ''
  for await (const { choices } of parts) text += choices[0]?.delta?.content ?? ''
  return text
}
