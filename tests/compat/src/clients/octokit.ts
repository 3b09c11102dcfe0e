import { request } from '@octokit/request'
import { type Client, fields, showText, type Task } from '../task'

const make = (task: Task) =>
  request.defaults({
    baseUrl: task.base,
    headers: { authorization: `Bearer ${task.key}` },
    request: { fetch: task.fetch, signal: task.signal }
  })

export const client: Client = {
  async whole(task) {
    const { status, url, headers, data } = await make(task)('GET /repos/{owner}/{repo}', {
      owner: 'octocat',
      repo: 'Hello-World'
    })
    return { status, url, headers: fields(Object.entries(headers)), data }
  },
  async stream(task) {
    const { data } = await make(task)('GET /repos/{owner}/{repo}/contents/{path}', {
      owner: 'octocat',
      repo: 'Hello-World',
      path: 'README',
      mediaType: { format: 'raw' },
      request: { fetch: task.fetch, signal: task.signal, parseSuccessResponseBody: false }
    })
    return showText(data as unknown as ReadableStream<Uint8Array>, task)
  }
}
