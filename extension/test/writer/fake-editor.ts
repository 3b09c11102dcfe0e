import type { Editor } from '../../src/writer/model'

/** An editor whose text is a field; what stands there already is its template. */
export class FakeEditor implements Editor {
  text = 'Template'
  /** All that was shown, one after the other. */
  readonly shown: string[] = []
  begun = 0
  finished = 0
  there = true
  /** Words of a person's stand where it writes. */
  touched = false
  /** Whether they may go, as it was told last. */
  replace: boolean | null = null

  read = () => this.text
  usable = () => this.there

  holdsTheirs = () => this.touched

  write(replace: boolean) {
    this.begun += 1
    this.replace = replace
    return {
      show: (text: string) => {
        this.shown.push(text)
        this.text = `Template\n\n${text}`
      },
      finish: () => {
        this.finished += 1
      }
    }
  }
}
