// Bitbucket's editor as far as writing in it goes: ProseMirror with Markdown in and out. What is pasted as plain text is read
// as Markdown at once, opened at both ends, and closes the step of its history, as in Atlassian's editor 2026.

import { baseKeymap } from 'prosemirror-commands'
import { closeHistory, history, redo, undo } from 'prosemirror-history'
import { keymap } from 'prosemirror-keymap'
import { defaultMarkdownParser, defaultMarkdownSerializer, schema } from 'prosemirror-markdown'
import { Slice } from 'prosemirror-model'
import { EditorState } from 'prosemirror-state'
import { EditorView } from 'prosemirror-view'
import { one, savesForm, template } from './page'

const form = one<HTMLFormElement>('form')
const field = one<HTMLInputElement>('input[name="description"]')
// A page without it has ProseMirror's own way to take a paste: lines as paragraphs.
const readsMarkdown = !document.documentElement.hasAttribute('data-plain-paste')

const view = new EditorView(one('.ak-editor-content-area'), {
  state: EditorState.create({
    doc: defaultMarkdownParser.parse(template()),
    plugins: [history(), keymap({ 'Mod-z': undo, 'Shift-Mod-z': redo }), keymap(baseKeymap)]
  }),
  attributes: { id: 'ak-editor-textarea', role: 'textbox', 'aria-multiline': 'true', 'aria-label': 'Description' },
  dispatchTransaction(transaction) {
    view.updateState(view.state.apply(transaction))
    keep()
  },
  handlePaste(view, event, slice) {
    const text = event.clipboardData?.getData('text/plain') ?? ''
    if (!readsMarkdown || text === '' || event.clipboardData?.getData('text/html')) return false
    const { content } = defaultMarkdownParser.parse(text.replaceAll('\\', '\\\\'))
    const pasted = new Slice(content, slice.openStart, slice.openEnd)
    view.dispatch(closeHistory(view.state.tr.replaceSelection(pasted)).scrollIntoView().setMeta('uiEvent', 'paste'))
    return true
  }
})

function keep(): void {
  field.value = defaultMarkdownSerializer.serialize(view.state.doc)
}

// `schema` is what both of them work on: an editor with another one would not read what is pasted.
if (view.state.schema !== schema) throw new Error('the editor is not the Markdown one')
keep()
savesForm(form, 'description')
