// A recording as a Response, by longwire.replay: its text, and when each piece came.
export default async ([text, speed]) => {
  const began = performance.now()
  const response = await longwire.replay(new File([text], 'a.jsonl'), { speed })
  const decoder = new TextDecoder()
  const times = []
  let body = ''
  for await (const bytes of response.body) {
    times.push(performance.now() - began)
    body += decoder.decode(bytes, { stream: true })
  }
  return { text: body, times, headers: Object.fromEntries(response.headers) }
}
