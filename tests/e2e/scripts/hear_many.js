export default async ({ url, names }) => {
  window.heard = Object.fromEntries(names.map((name) => [name, '']))
  const listen = async (name, response) => {
    for await (const text of response.body.pipeThrough(new TextDecoderStream())) heard[name] += text
  }
  const responses = await Promise.all(names.map((name) => longwire.fetch(url + name)))
  window.over = Promise.all(names.map((name, index) => listen(name, responses[index])))
}
