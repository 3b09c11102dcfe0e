import { Client as McpClient } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import type { Client, Task } from '../task'

async function call(task: Task): Promise<unknown> {
  const transport = new StreamableHTTPClientTransport(new URL(`${task.base}/mcp`), {
    fetch: task.fetch,
    requestInit: { headers: { Authorization: `Bearer ${task.key}` } }
  })
  const client = new McpClient({ name: 'compat', version: '1.0.0' })
  await client.connect(transport)
  task.signal.addEventListener('abort', () => void client.close())
  try {
    const result = await client.callTool({ name: 'write', arguments: { about: 'Grüße, 世界' } }, undefined, {
      onprogress: ({ message }) => task.show(message ?? '')
    })
    const session = transport.sessionId
    await transport.terminateSession()
    return { result, session, server: client.getServerVersion() }
  } finally {
    await client.close()
  }
}

export const client: Client = { whole: call, stream: call }
