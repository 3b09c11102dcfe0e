// What the browser's own fetch has of a body, and the name of the error that it ends with.
export default async (url) => {
  const response = await fetch(url)
  const decoder = new TextDecoder()
  let text = ''
  try {
    for await (const bytes of response.body) text += decoder.decode(bytes, { stream: true })
    return { text, error: null }
  } catch (error) {
    return { text, error: error.name }
  }
}
