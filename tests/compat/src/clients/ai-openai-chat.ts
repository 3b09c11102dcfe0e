import { createOpenAI } from '@ai-sdk/openai'
import { through } from '../ai'

export const client = through(({ base, key, fetch }) =>
  createOpenAI({ baseURL: `${base}/v1`, apiKey: key, fetch }).chat('gpt-5-mini')
)
