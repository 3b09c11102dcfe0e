// Editors by their kind.

import type { Editor, EditorPlace } from '../model'
import { forgetRich, RichEditor } from './rich'
import { forgetFields, TextareaEditor } from './textarea'

/**
 * The editor at a place.
 *
 * @throws {TypeError} the place's element is none of its kind
 */
export function editorOf(place: EditorPlace): Editor {
  if (place.kind !== 'textarea') return new RichEditor(place.element, place.kind, place.saved ?? null)
  if (!(place.element instanceof HTMLTextAreaElement)) {
    throw new TypeError('The place of kind "textarea" is no textarea: correct `editor` of its site.')
  }
  return new TextareaEditor(place.element)
}

/** Nothing that stands in an editor of this document is the writer's: what was written was for another pull request. */
export function forgetWritten(): void {
  forgetFields()
  forgetRich()
}
