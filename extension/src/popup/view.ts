import { announce, element, setProse, setText } from '../shared/dom'
import { copyable } from './copy'
import type { View } from './model'
import type { Site } from './site'
import type { Destination, Verdict } from './verdict'

/** As many fit without scrolling, if each takes one line. */
const SEEN_AT_ONCE = 5

/** Puts a `View` into index.html. Elements stay and change in place. */
export class Page {
  readonly #command = copyable('problem-command')
  readonly #lines = copyable('suggestion')
  #said = ''

  show(site: Site, view: View): void {
    const badge = element('badge')
    badge.dataset['tone'] = view.badge.tone
    setText(badge, view.badge.text)
    element('site').hidden = view.verdict === null
    element('origin').hidden = site.origin === null
    setText(element('origin'), site.origin ?? 'This page')
    element('private').hidden = !site.private
    this.#showProblem(view)
    this.#showVerdict(view)
    element('permission').hidden = view.permission === null
    setText(element('allow'), view.permission === null ? '' : `Allow on ${view.permission.replace(/\/\*$/, '')}`)
    element('note').hidden = view.note === null
    setText(element('note'), view.note ?? '')
    setText(element('versions'), view.versions)
    element('writer').hidden = !view.writer
    this.#announce(view)
  }

  #showProblem({ problem, badge }: View): void {
    element('problem').hidden = problem === null
    const title = element('problem-title')
    title.dataset['tone'] = badge.tone
    setText(title, problem?.title ?? '')
    setProse(element('problem-text'), problem?.text ?? '')
    this.#command.show(problem?.command ?? null)
  }

  #showVerdict({ verdict }: View): void {
    element('verdict').hidden = verdict === null
    if (verdict === null) return
    const title = element('verdict-title')
    title.dataset['tone'] = verdict.tone
    setText(title, titleOf(verdict))
    setProse(element('verdict-text'), verdict.text)
    element('verdict-text').hidden = verdict.text === ''
    const list = element('destinations')
    list.hidden = verdict.destinations.length === 0
    const shown = JSON.stringify(verdict.destinations)
    if (list.dataset['shown'] !== shown) {
      list.dataset['shown'] = shown
      list.replaceChildren(...verdict.destinations.map(itemOf))
    }
    this.#lines.show(verdict.suggestion?.lines ?? null)
  }

  /** What a glance at the top of the popup tells, when it has changed. */
  #announce({ badge, problem, verdict }: View): void {
    if (badge.tone === 'busy') return
    const text = [badge.text, problem?.title, verdict?.title].filter((part) => part !== undefined).join('. ')
    if (text === this.#said) return
    this.#said = text
    announce(text)
  }
}

/** The list is cut where it scrolls: how long it is must be seen. */
function titleOf({ title, destinations }: Verdict): string {
  return destinations.length > SEEN_AT_ONCE ? `${title} (${destinations.length} destinations)` : title
}

function itemOf({ text, blocked }: Destination): HTMLLIElement {
  const item = document.createElement('li')
  item.textContent = text
  if (blocked) {
    item.className = 'blocked'
    // The mark before it is drawn, and read out by nobody.
    item.setAttribute('aria-label', `${text}, which would fail`)
  }
  return item
}
