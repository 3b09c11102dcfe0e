import type { Editor } from '../../src/writer/model'

/** An editor whose text is a field; what stands there already is its template. */
export class FakeEditor implements Editor {
  text = 'Template'
  /** All that was shown, one after the other. */
  readonly shown: string[] = []
  begun = 0
  finished = 0
  there = true
  /** A person changed what was written. */
  touched = false

  read = () => this.text
  usable = () => this.there

  write() {
    this.begun += 1
    return {
      show: (text: string) => {
        this.shown.push(text)
        this.text = `Template\n\n${text}`
      },
      edited: () => this.touched,
      finish: () => {
        this.finished += 1
      }
    }
  }
}
