import { announce, element } from '../shared/dom'
import type { Snapshot } from '../shared/popup'
import { FEATURES, type SiteSwitch } from '../shared/site-switches'

const WHICH: readonly SiteSwitch[] = ['all', ...FEATURES]

/** The switches of the site: what is off stays off until somebody switches it on here. None opens what the policy does not. */
export class Switches {
  /** @param set told of each that a person moved */
  constructor(set: (which: SiteSwitch, on: boolean) => void) {
    for (const which of WHICH) {
      const input = inputOf(which)
      input.addEventListener('change', () => {
        set(which, input.checked)
        announce(`${input.labels?.[0]?.textContent?.trim() ?? ''}: ${input.checked ? 'on' : 'off'}`)
      })
    }
  }

  show(origin: string | null, snapshot: Snapshot | null): void {
    element('switches').hidden = origin === null || snapshot === null
    if (snapshot === null) return
    const off = new Set(snapshot.off)
    for (const which of WHICH) inputOf(which).checked = !off.has(which)
    // Beside a site that is off as a whole, single ones are no matter.
    for (const which of FEATURES) inputOf(which).disabled = off.has('all')
    element('switches-count').textContent = off.has('all') ? 'off' : off.size > 0 ? `${off.size} off` : ''
  }
}

const inputOf = (which: SiteSwitch) => element<HTMLInputElement>(`switch-${which}`)
