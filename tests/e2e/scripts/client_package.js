import { StreamError, stream } from 'longwire'
import { configure, streamChat } from 'longwire/compat'

const answer = 'data: {"type": "text", "data": "it reads"}\n\ndata: [DONE]\n\n'
const fetch = async () => new Response(answer, { headers: { 'content-type': 'text/event-stream' } })
console.log((await stream('https://x.test/', {}, { fetch }).readToCompletion()).text, StreamError.name)
configure({ fetch: async () => new Response('', { status: 500 }), chatUrl: () => 'https://x.test/' })
console.log(await streamChat('1', 'Hi', () => {}).catch((error) => error instanceof StreamError))
