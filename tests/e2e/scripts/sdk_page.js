// biome-ignore lint/correctness/noUnusedImports: what a test puts in the place of CLIENT uses it
import OpenAI from './openai.js'

const client = CLIENT
const parts = await client.chat.completions.create({
  model: 'gpt-4o-mini',
  stream: true,
  messages: [{ role: 'user', content: 'Tell me a story.' }]
})
for await (const part of parts) answer.textContent += part.choices[0]?.delta?.content ?? ''
answer.dataset.over = 'yes'
