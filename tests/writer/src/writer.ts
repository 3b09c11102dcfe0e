// The writer's editors and what makes a text harmless, for a test to call from a world of its own.

import { editorOf } from '../../../extension/src/writer/editors'
import type { EditorPlace } from '../../../extension/src/writer/model'

declare global {
  var writer: { editorOf: typeof editorOf; place: (place: Partial<EditorPlace>, selector: string) => EditorPlace }
}

globalThis.writer = {
  editorOf,
  place(place, selector) {
    const element = document.querySelector(selector) as HTMLElement
    return { kind: 'textarea', element, beside: element, ...place }
  }
}
