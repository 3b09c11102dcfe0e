import { createAnthropic } from '@ai-sdk/anthropic'
import { through } from '../ai'

export const client = through(({ base, key, fetch }) =>
  createAnthropic({ baseURL: `${base}/v1`, apiKey: key, fetch })('claude-sonnet-4-5')
)
