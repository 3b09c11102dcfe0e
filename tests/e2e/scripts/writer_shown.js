export default function () {
  const seen = [...this.querySelectorAll('button, p, .line, .figures')].filter((each) => each.checkVisibility())
  const text = (selector) => seen.find((each) => each.matches(selector))?.textContent ?? ''
  return {
    buttons: seen.filter((each) => each.matches('button')).map((each) => each.ariaLabel ?? each.textContent),
    disabled: this.querySelector('button').ariaDisabled === 'true',
    line: text('.line'),
    figures: text('.figures'),
    stats: text('.stats'),
    notes: [...this.querySelectorAll('.notes li')].map((each) => each.textContent),
    tone: this.querySelector('.progress').dataset.tone,
    spoken: this.querySelector('[role=status]').textContent,
    focused: this.activeElement?.textContent ?? '',
    scheme: this.host.dataset.scheme
  }
}
