#!/usr/bin/env bash
# A ProseMirror editor whose DOM another script changes: a translator, a text expander, a program that takes dictation.
#
# One would guess: what a script puts into the editable DOM, or takes out, ends in the document as it stands there. Handlers
# of keys hear keys alone; where they may hear something else, they hear it each time.
# What happens (prosemirror-view 1.44.0 in Chromium 156): an empty paragraph, or `execCommand('insertParagraph')`, is taken
# for Enter, and words that go for Backspace: the handlers of these keys run, and if one says that it did something, the
# change itself is dropped. But this happens once only, and not at all where a key was pressed before: then the same change is
# taken as it stands. A paragraph that has a word in it always is.
# Why it matters: in an editor whose Enter sends, a blank line that a tool puts in sends the message before it is whole, and who
# types something first to try it out does not see that.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
export CHROMIUM="${CHROMIUM:-$(command -v chromium || command -v google-chrome)}"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts prosemirror-model@1.25.13 prosemirror-state@1.4.4 \
  prosemirror-transform@1.12.7 prosemirror-view@1.44.0 prosemirror-keymap@1.2.3 esbuild@0.28.2 playwright-core@1.65.1

cat >page.js <<'JS'
import { keymap } from 'prosemirror-keymap'
import { Schema } from 'prosemirror-model'
import { EditorState, TextSelection } from 'prosemirror-state'
import { EditorView } from 'prosemirror-view'

const schema = new Schema({
  nodes: {
    doc: { content: 'paragraph+' },
    paragraph: { content: 'text*', parseDOM: [{ tag: 'p' }], toDOM: () => ['p', 0] },
    text: {}
  }
})

// Its handlers of Enter and Backspace do something of their own, as one that sends does.
window.edit = (change) => {
  document.body.replaceChildren()
  const heard = []
  const hear = (key) => () => heard.push(key) > 0
  const doc = schema.node('doc', null, [schema.node('paragraph', null, [schema.text('Dear all')])])
  const state = EditorState.create({
    doc,
    selection: TextSelection.atEnd(doc),
    plugins: [keymap({ Enter: hear('Enter'), Backspace: hear('Backspace') })]
  })
  window.view = new EditorView(document.body, { state })
  view.focus()
  window.seen = () => `${heard.splice(0).join(' ') || '-'} ${JSON.stringify(view.state.doc.content.content.map((p) => p.textContent))}`
}
const taken = () => new Promise((done) => setTimeout(done, 50))
window.put = async (html) => {
  view.dom.insertAdjacentHTML('beforeend', html)
  await taken()
  return seen()
}
window.command = async (...command) => {
  document.execCommand(...command)
  await taken()
  return seen()
}
window.shorten = async () => {
  view.dom.querySelector('p').firstChild.data = 'Dear'
  await taken()
  return seen()
}
JS
cat >run.mjs <<'JS'
import { buildSync } from 'esbuild'
import { chromium } from 'playwright-core'

buildSync({ entryPoints: ['page.js'], bundle: true, outfile: 'bundle.js' })
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM })
const page = await browser.newPage()
await page.setContent('<!doctype html><title>editor</title>')
await page.addScriptTag({ path: 'bundle.js' })
const say = async (name, act) => console.log(`${name}: ${await page.evaluate(act)}`)
const fresh = async (name, act) => {
  await page.evaluate(() => edit())
  await say(name, act)
}
await fresh('a paragraph with a word', () => put('<p>x</p>'))
await fresh('an empty paragraph', () => put('<p></p>'))
await say('  another one', () => put('<p></p>'))
await fresh('insertParagraph', () => command('insertParagraph'))
await fresh('insertText, a line end', () => command('insertText', false, '\n'))
await fresh('a word taken out', () => shorten())
await page.evaluate(() => edit())
await page.keyboard.type('!')
await say('behind a typed word, an empty paragraph', () => put('<p></p>'))
await browser.close()
JS
cat >expected <<'TXT'
a paragraph with a word: - ["Dear all","x"]
an empty paragraph: Enter ["Dear all"]
  another one: - ["Dear all",""]
insertParagraph: Enter ["Dear all"]
insertText, a line end: Enter ["Dear all"]
a word taken out: Backspace ["Dear all"]
behind a typed word, an empty paragraph: - ["Dear all!",""]
TXT
timeout 120 node run.mjs | tee seen
diff expected seen
