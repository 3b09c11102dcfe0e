// What the pages of all four kinds have in common: what would be saved is shown, and sent nowhere.

declare global {
  interface Window {
    /** What the site would save now. */
    saved(): string
    /** What it was told to save, by its own button. */
    submitted: string[]
  }
}

/** What stands in the editor before anybody writes: in the page, so that a test can have its own. */
export function template(): string {
  return document.querySelector('script#template')?.textContent?.replace(/^\n|\n$/g, '') ?? ''
}

/** Take what the form sends under this name for what is saved. */
export function savesForm(form: HTMLFormElement, name: string): void {
  window.submitted = []
  window.saved = () => String(new FormData(form).get(name) ?? '').replaceAll('\r\n', '\n')
  form.addEventListener('submit', (event) => {
    event.preventDefault()
    window.submitted.push(window.saved())
  })
}

/** The element of the page with this selector. */
export function one<T extends Element>(selector: string): T {
  const found = document.querySelector<T>(selector)
  if (found === null) throw new Error(`the page has no ${selector}`)
  return found
}
