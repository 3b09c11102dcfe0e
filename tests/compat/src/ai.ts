import { generateText, type LanguageModel, streamText } from 'ai'
import { type Client, fields, type Task } from './task'

/** What the `ai` package does with any model. */
export function through(make: (task: Task) => LanguageModel): Client {
  const prompt = 'Grüße, 世界'
  return {
    async whole(task) {
      const { text, finishReason, usage, response } = await generateText({
        model: make(task),
        prompt,
        abortSignal: task.signal,
        maxRetries: task.retries
      })
      return { text, finishReason, usage, id: response.id, headers: fields(Object.entries(response.headers ?? {})) }
    },
    async stream(task) {
      const errors: unknown[] = []
      const result = streamText({
        model: make(task),
        prompt,
        abortSignal: task.signal,
        maxRetries: task.retries,
        onError: ({ error }) => void errors.push(error)
      })
      const kinds: string[] = []
      for await (const part of result.fullStream) {
        kinds.push(part.type)
        if (part.type === 'text-delta') task.show(part.text)
      }
      // What went wrong is told, not thrown.
      if (errors.length > 0) throw errors[0]
      if (task.signal.aborted) return { kinds }
      return { kinds, text: await result.text, usage: await result.usage, finishReason: await result.finishReason }
    }
  }
}
