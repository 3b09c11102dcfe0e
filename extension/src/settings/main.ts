// The writer's settings: a page of the extension, which no web page opens, frames or reads.

import { settingsPlatform as platform } from '../platform'
import { announce, element, setProse, setText } from '../shared/dom'
import { SETTINGS_PORT } from '../shared/names'
import type { FromSettingsPage, WriterOffers } from '../shared/settings-page'
import { WorkerLink, type WorkerPort } from '../shared/worker-link'
import { readWriterSettings, WRITER_SETTINGS } from '../shared/writer-settings'
import { DEFAULT_TEMPLATE, FIELD_NAMES, parseTemplate, SAMPLE_FIELDS, type TemplatePart } from '../writer/template'
import { type Form, type FormErrors, formOf, settingsOf, viewOf } from './model'

const fields: { readonly [Field in keyof Form]: HTMLInputElement | HTMLSelectElement | HTMLTextAreaElement } = {
  provider: element<HTMLSelectElement>('provider'),
  model: element<HTMLInputElement>('model'),
  language: element<HTMLInputElement>('language'),
  template: element<HTMLTextAreaElement>('template')
}
const FIELDS = Object.keys(fields) as (keyof Form)[]

let form: Form = formOf(readWriterSettings(undefined), DEFAULT_TEMPLATE)
let offers: WriterOffers | null = null

const link = new WorkerLink<FromSettingsPage, WriterOffers>(
  () => platform.connect(SETTINGS_PORT) as WorkerPort<FromSettingsPage, WriterOffers>,
  (received) => {
    offers = received
    show()
  }
)

function show(): void {
  const { parts, fault } = read(form.template)
  const view = viewOf(form, offers, DEFAULT_TEMPLATE, fault)
  element('problem').hidden = view.problem === null
  setText(element('problem-title'), view.problem?.title ?? '')
  setProse(element('problem-text'), view.problem?.text ?? '')
  element('problem-lines').hidden = view.problem?.lines == null
  setText(element('problem-lines').firstElementChild as HTMLElement, view.problem?.lines ?? '')
  showOptions(element('provider'), view.providers)
  showOptions(
    element('models'),
    view.models.map((value) => ({ value, label: value }))
  )
  for (const name of FIELDS) if (fields[name].value !== form[name]) fields[name].value = form[name]
  fields.model.disabled = !view.modelEnabled
  setText(element('provider-note'), view.providerNote)
  showErrors(view.errors)
  element('reset').ariaDisabled = String(!view.edited)
  element('save').ariaDisabled = String(!view.saveable)
  if (parts !== null) showPreview(parts)
}

/** The template's parts, or what is wrong in it. */
function read(template: string): { readonly parts: readonly TemplatePart[] | null; readonly fault: string | null } {
  try {
    return { parts: parseTemplate(template), fault: null }
  } catch (error) {
    return { parts: null, fault: `${(error as Error).message}.` }
  }
}

function showOptions(list: HTMLElement, choices: readonly { readonly value: string; readonly label: string }[]): void {
  const shown = JSON.stringify(choices)
  if (list.dataset['shown'] === shown) return
  list.dataset['shown'] = shown
  list.replaceChildren(...choices.map(({ value, label }) => new Option(label, value)))
}

function showErrors(errors: FormErrors): void {
  for (const name of FIELDS) {
    const text = errors[name]
    const place = element(`${name}-error`)
    place.hidden = text === null
    setText(place, text ?? '')
    fields[name].ariaInvalid = text === null ? 'false' : 'true'
  }
}

/** The prompt for a sample, with what was put in marked. */
function showPreview(parts: readonly TemplatePart[]): void {
  element('preview').replaceChildren(
    ...parts.map((part) => {
      if ('text' in part) return part.text
      const mark = document.createElement('mark')
      mark.textContent = SAMPLE_FIELDS[part.field]
      mark.title = `{${part.field}}`
      return mark
    })
  )
}

function typed(): void {
  form = {
    provider: fields.provider.value,
    model: fields.model.value,
    language: fields.language.value,
    template: fields.template.value
  }
  setText(element('saved'), '')
  show()
}

async function save(): Promise<void> {
  if (element('save').ariaDisabled === 'true') {
    const wrong = FIELDS.find((name) => fields[name].ariaInvalid === 'true' && name !== 'provider' && name !== 'model')
    if (wrong !== undefined) fields[wrong].focus()
    return
  }
  try {
    await platform.storage.set({ [WRITER_SETTINGS]: settingsOf(form, DEFAULT_TEMPLATE) })
    told('Saved')
  } catch {
    told('The browser could not store it. Is its disk full?')
  }
}

function told(text: string): void {
  setText(element('saved'), text)
  announce(text)
}

for (const name of FIELDS) fields[name].addEventListener('input', typed)
element('form').addEventListener('submit', (event) => {
  event.preventDefault()
  void save()
})
element('reset').addEventListener('click', () => {
  if (form.template === DEFAULT_TEMPLATE) return
  fields.template.value = DEFAULT_TEMPLATE
  typed()
  fields.template.focus()
})
element('retry').addEventListener('click', () => link.send({ type: 'ASK' }))
const names = FIELD_NAMES.map((name) => `\`{${name}}\``).join(' ')
setProse(element('template-note'), `What the model is told. It may have ${names}; each is put in once, as text.`)
setText(element('announcer'), '')

async function begin(): Promise<void> {
  const { [WRITER_SETTINGS]: stored } = await platform.storage.get(WRITER_SETTINGS)
  form = formOf(readWriterSettings(stored), DEFAULT_TEMPLATE)
  show()
  link.watch({ type: 'ASK' })
}

void begin()
