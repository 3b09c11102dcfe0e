// GitHub's field as far as writing in it goes: a textarea whose text React keeps, in a form with a twin of the same name and
// id that is out of sight.

import { StrictMode, useState } from 'react'
import { createRoot } from 'react-dom/client'
import { one, savesForm, template } from './page'

declare global {
  interface Window {
    /** What React has. */
    kept: string
  }
}

function Description() {
  const [text, setText] = useState(template())
  window.kept = text
  return (
    <textarea
      id="pull_request_body"
      name="pull_request[body]"
      aria-label="Description"
      rows={8}
      cols={60}
      value={text}
      onChange={(event) => setText(event.target.value)}
    />
  )
}

createRoot(one('#description')).render(
  <StrictMode>
    <Description />
  </StrictMode>
)
savesForm(one('form#new_pull_request'), 'pull_request[body]')
