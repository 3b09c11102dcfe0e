export default function (name) {
  const parts = [...this.querySelectorAll('button, input')].filter((each) => each.checkVisibility())
  const part = parts.find((each) => (each.ariaLabel ?? (each.labels?.[0] ?? each).textContent) === name)
  part.scrollIntoView({ block: 'center' })
  const { x, y, width, height } = part.getBoundingClientRect()
  return [x + width / 2, y + height / 2]
}
