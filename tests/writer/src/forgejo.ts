// Forgejo's field: a textarea and nothing else.

import { one, savesForm, template } from './page'

one<HTMLTextAreaElement>('textarea#content').value = template()
savesForm(one('form#new-issue'), 'content')
