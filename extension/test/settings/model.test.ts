// What the settings page says of what a person typed and of what the policy offers.

import { describe, expect, test } from 'vitest'
import { EXAMPLE_LINES, type Form, formOf, MAX_TEMPLATE_LENGTH, settingsOf, viewOf } from '../../src/settings/model'
import type { WriterOffers } from '../../src/shared/settings-page'
import { readWriterSettings, USUAL_SETTINGS } from '../../src/shared/writer-settings'

const TEMPLATE = 'Describe {DIFF}'
const FORM: Form = formOf(USUAL_SETTINGS, TEMPLATE)
const OPENAI = { name: 'openai', models: ['gpt-5-mini', 'gpt-5*'] }
const LOCAL = { name: 'local', models: ['llama3.2'] }
const OFFERS: WriterOffers = {
  state: 'ready',
  fix: '',
  pages: [
    { pattern: 'https://github.com', providers: [OPENAI, LOCAL] },
    { pattern: 'https://*.forge.example', providers: [LOCAL] }
  ]
}

const view = (form: Partial<Form> = {}, offers: WriterOffers | null = OFFERS, fault: string | null = null) =>
  viewOf({ ...FORM, ...form }, offers, TEMPLATE, fault)

describe('providers', () => {
  test('are those of any page of the writer’s, and the first is what nobody has to choose', () => {
    expect(view().providers.map(({ value }) => value)).toEqual(['', 'openai', 'local'])
    expect(view().providerNote).toBe('openai on https://github.com, local on https://*.forge.example.')
    expect(view({ provider: 'openai' }).providerNote).toBe('Offered on https://github.com.')
  })

  test('that are set and not offered stay, and it is said', () => {
    const seen = view({ provider: 'gone' })
    expect(seen.providers.at(-1)).toEqual({ value: 'gone', label: 'gone' })
    expect(seen.errors.provider).toContain('does not offer')
    expect(seen.saveable).toBe(true)
  })

  test('nothing is wrong as long as nobody has said what is offered', () => {
    expect(view({ provider: 'gone', model: 'x' }, null).errors).toMatchObject({ provider: null, model: null })
  })
})

describe('a model', () => {
  test('is one of the provider’s, by name or by the beginning of names', () => {
    expect(view({ provider: 'openai' }).models).toEqual(['gpt-5-mini'])
    expect(view({ provider: 'openai', model: ' gpt-5.2 ' }).errors.model).toBeNull()
    expect(view({ provider: 'openai', model: 'llama3.2' }).errors.model).toContain('gpt-5-mini, gpt-5*')
    expect(view({ provider: 'local', model: 'llama3.2-x' }).errors.model).not.toBeNull()
  })

  test('is chosen only with its provider', () => {
    expect(view().modelEnabled).toBe(false)
    expect(view({ model: 'anything' }).errors.model).toBeNull()
    expect(settingsOf({ ...FORM, model: 'anything' }, TEMPLATE).model).toBeNull()
  })
})

describe('what is in the way', () => {
  test.each([
    [{ state: 'host-missing', fix: 'Run `longwire install`.', pages: [] }, 'Run `longwire install`.', null],
    [{ state: 'ready', fix: '', pages: [] }, 'off until the policy names', EXAMPLE_LINES],
    [{ state: 'ready', fix: '', pages: [{ pattern: 'https://a.example', providers: [] }] }, 'principal', null]
  ] as [WriterOffers, string, string | null][])('%#', (offers, text, lines) => {
    expect(view({}, offers).problem).toMatchObject({ text: expect.stringContaining(text), lines })
  })

  test('is nothing before anybody has said so, nor where all is well', () => {
    expect([view({}, null).problem, view().problem]).toEqual([null, null])
  })
})

describe('a form that cannot be saved', () => {
  test.each([
    [{ language: ' ' }, 'language'],
    [{ language: 'x'.repeat(61) }, 'language'],
    [{ template: 'x'.repeat(MAX_TEMPLATE_LENGTH + 1) }, 'template']
  ] as [Partial<Form>, keyof Form][])('%#', (form, field) => {
    const seen = view(form)
    expect(seen.saveable).toBe(false)
    expect(seen.errors[field]).not.toBeNull()
  })

  test('has a template that cannot be filled', () => {
    expect(view({ template: '{WHAT}' }, OFFERS, '{WHAT} is no field.')).toMatchObject({
      saveable: false,
      errors: { template: '{WHAT} is no field.' }
    })
  })
})

test('what is stored comes back, and the extension’s own template is not stored', () => {
  const form: Form = { provider: 'openai', model: ' gpt-5 ', language: ' Deutsch ', template: TEMPLATE }
  const settings = settingsOf(form, TEMPLATE)
  expect(settings).toEqual({ provider: 'openai', model: 'gpt-5', language: 'Deutsch', template: null })
  expect(formOf(readWriterSettings(settings), TEMPLATE)).toEqual({ ...form, model: 'gpt-5', language: 'Deutsch' })
  expect(settingsOf({ ...form, template: 'Mine {DIFF}' }, TEMPLATE).template).toBe('Mine {DIFF}')
  expect(view({ template: 'Mine {DIFF}' }).edited).toBe(true)
})
