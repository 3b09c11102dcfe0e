// A panel whose deeds are written down, and a way to say to it what a run would. Bundled in the extension's folder.
import { Panel } from './src/writer/panel/panel'

globalThis.deeds = []
globalThis.changed = false
const panel = new Panel({
  start: (why, replace) => globalThis.deeds.push(['start', why, ...(replace ? ['replace'] : [])]),
  stop: () => globalThis.deeds.push(['stop']),
  replacesTheirs: () => globalThis.changed,
  text: () => 'the text',
  openSettings: () => globalThis.deeds.push(['settings'])
})
document.querySelector('#beside').after(panel.element)
panel.matchGround()
globalThis.hear = (...events) => {
  for (const event of events) panel.hear(event)
}
