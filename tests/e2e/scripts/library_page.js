const answer = document.querySelector('#answer')
async function read(url) {
  const onText = (added) => answer.append(added)
  const options = { body: { model: 'm' }, onText, idleTimeout: 60000, batch: 'frame' }
  for await (const event of longwire.stream(url, {}, options));
}
