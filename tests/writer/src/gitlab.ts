// GitLab's rich text editor as far as writing in it goes: tiptap, with a hidden input that is what the form sends. What is
// pasted as plain text is rendered by the server, so it is there only later; HTML is read by the page, after the paste event.
// As in GitLab 18, whose editor's own extensions are left out.

import { Editor, Extension } from '@tiptap/core'
import { Markdown } from '@tiptap/markdown'
import { Plugin } from '@tiptap/pm/state'
import { StarterKit } from '@tiptap/starter-kit'
import { one, savesForm, template } from './page'

const form = one<HTMLFormElement>('form')
const field = one<HTMLInputElement>('input[name="merge_request[description]"]')

const CopyPaste = Extension.create({
  name: 'copyPaste',
  priority: 1000,
  addProseMirrorPlugins() {
    const { editor } = this
    return [
      new Plugin({
        props: {
          handlePaste(_view, event) {
            const text = event.clipboardData?.getData('text/plain') ?? ''
            const html = event.clipboardData?.getData('text/html') ?? ''
            if (text === '') return false
            const content = html === '' ? rendered(editor, text) : Promise.resolve(html)
            Promise.resolve()
              .then(() => {
                editor.commands.deleteSelection()
                return content
              })
              .then((read) => editor.commands.insertContentAt(editor.state.selection.from, read))
            return true
          }
        }
      })
    ]
  }
})

/** As a server gives it back: a whole request later. */
async function rendered(editor: Editor, markdown: string): Promise<string | object[]> {
  await fetch('/preview_markdown', { method: 'POST', body: markdown })
  const { content = [] } = editor.markdown?.parse(markdown) ?? {}
  const [first] = content
  // One paragraph goes into the one where the caret is.
  return content.length === 1 && first?.type === 'paragraph' ? (first.content ?? []) : content
}

const editor = new Editor({
  element: one<HTMLElement>('[data-testid="content_editor_editablebox"]'),
  extensions: [StarterKit, Markdown, CopyPaste],
  content: template(),
  contentType: 'markdown',
  editorProps: { attributes: { role: 'textbox', 'aria-multiline': 'true', 'aria-label': 'Description' } },
  onUpdate: keep
})

function keep(): void {
  field.value = editor.getMarkdown()
}

keep()
savesForm(form, 'merge_request[description]')
