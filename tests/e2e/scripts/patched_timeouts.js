export default async (url) => {
  const undo = longwire.patch({ timeouts: { headerTimeout: 90 } })
  const texts = []
  for (const init of [undefined, { longwire: {} }, { longwire: { headerTimeout: 70 } }])
    texts.push(await fetch(url, init).then(String, (error) => `${error.code} ${error.message}`))
  undo()
  return texts
}
