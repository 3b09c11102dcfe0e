export default async ([far, near]) => {
  await fetch(near)
  const sources = [far, near].map((url) => new EventSource(url))
  class Mine extends EventSource {}
  sources.push(new Mine(near))
  for (const source of sources) source.close()
  undo()
  return [...sources.map((source) => source instanceof Before), EventSource === Before]
}
