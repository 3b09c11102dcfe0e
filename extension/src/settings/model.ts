// What the settings page says of what a person typed and of what the policy offers. No document: main.ts draws it.

import type { ProviderOffer } from '../protocol/native'
import type { WriterOffers } from '../shared/settings-page'
import type { WriterSettings } from '../shared/writer-settings'

/** As it stands in the fields; empty where nothing is chosen. */
export interface Form {
  readonly provider: string
  readonly model: string
  readonly language: string
  readonly template: string
}

/** What is wrong in a field; null where nothing is. */
export type FormErrors = { readonly [Field in keyof Form]: string | null }

export interface Choice {
  readonly value: string
  readonly label: string
}

export interface SettingsView {
  /** What is in the way of the writer itself; its lines are for the policy file. */
  readonly problem: { readonly title: string; readonly text: string; readonly lines: string | null } | null
  readonly providers: readonly Choice[]
  /** Where the chosen one may be asked. */
  readonly providerNote: string
  /** Names that the policy has in full. */
  readonly models: readonly string[]
  /** Without a provider there is none to choose. */
  readonly modelEnabled: boolean
  readonly errors: FormErrors
  /** The template is not the extension's own. */
  readonly edited: boolean
  readonly saveable: boolean
}

export const MAX_LANGUAGE_LENGTH = 60
/** It is sent with every request, and paid for. */
export const MAX_TEMPLATE_LENGTH = 20_000

const FIRST: Choice = { value: '', label: 'The first that the policy offers' }

/** The lines that a policy without a writer needs. */
export const EXAMPLE_LINES = `[writer]
pages = ["https://github.com"]

[[grant]]
name = "writer"
principal = "writer"
pages = ["https://github.com"]
generate = ["openai"]`

export function formOf(settings: WriterSettings, defaultTemplate: string): Form {
  const { provider, model, language, template } = settings
  return { provider: provider ?? '', model: model ?? '', language, template: template ?? defaultTemplate }
}

/** What is to be stored. The caller has made sure that nothing is wrong in it. */
export function settingsOf({ provider, model, language, template }: Form, defaultTemplate: string): WriterSettings {
  return {
    provider: provider === '' ? null : provider,
    model: provider === '' || model.trim() === '' ? null : model.trim(),
    language: language.trim(),
    template: template === defaultTemplate ? null : template
  }
}

/**
 * @param offers null as long as the worker has not answered
 * @param templateFault what is wrong in the template, by who fills it; null if nothing is
 */
export function viewOf(
  form: Form,
  offers: WriterOffers | null,
  defaultTemplate: string,
  templateFault: string | null
): SettingsView {
  const known = offers?.state === 'ready' ? offers : null
  const errors = errorsOf(form, known, templateFault)
  return {
    problem: offers === null ? null : problemOf(offers),
    providers: providersOf(form, known),
    providerNote: known === null ? '' : noteOf(form.provider, known),
    models: modelsOf(form.provider, known).filter((model) => !model.endsWith('*')),
    modelEnabled: form.provider !== '',
    errors,
    edited: form.template !== defaultTemplate,
    // What the policy does not offer today may be kept: it is another's file, and may change.
    saveable: errors.language === null && errors.template === null
  }
}

function problemOf({ state, fix, pages }: WriterOffers): SettingsView['problem'] {
  if (state !== 'ready') {
    const text = fix === '' ? 'Longwire’s host does not answer.' : fix
    return { title: 'Nobody can say what the policy offers', text, lines: null }
  }
  if (pages.length === 0) {
    const text = 'It is off until the policy names its pages and a grant of its own, for instance so:'
    return { title: 'The policy has no writer', text, lines: EXAMPLE_LINES }
  }
  if (pages.every(({ providers }) => providers.length === 0)) {
    const text = 'A grant with `principal = "writer"` has to name a provider in `generate`.'
    return { title: 'The policy lets the writer ask no model', text, lines: null }
  }
  return null
}

function namesOf(offers: WriterOffers | null): string[] {
  return [...new Set((offers?.pages ?? []).flatMap(({ providers }) => providers.map(({ name }) => name)))]
}

function providersOf({ provider }: Form, offers: WriterOffers | null): Choice[] {
  const names = namesOf(offers)
  const choices = [FIRST, ...names.map((name) => ({ value: name, label: name }))]
  // What is set stays, and is seen, whatever the policy says today.
  if (provider !== '' && !names.includes(provider)) choices.push({ value: provider, label: provider })
  return choices
}

function noteOf(provider: string, { pages }: WriterOffers): string {
  const where = pages
    .filter(({ providers }) => (provider === '' ? providers.length > 0 : has(providers, provider)))
    .map(({ pattern, providers }) => (provider === '' ? `${providers[0]?.name} on ${pattern}` : pattern))
  if (where.length === 0) return ''
  return provider === '' ? `${where.join(', ')}.` : `Offered on ${where.join(', ')}.`
}

const has = (providers: readonly ProviderOffer[], provider: string): boolean =>
  providers.some(({ name }) => name === provider)

function modelsOf(provider: string, offers: WriterOffers | null): string[] {
  const all = (offers?.pages ?? []).flatMap(({ providers }) => providers.filter(({ name }) => name === provider))
  return [...new Set(all.flatMap(({ models }) => models))]
}

function errorsOf(form: Form, offers: WriterOffers | null, templateFault: string | null): FormErrors {
  return {
    provider: providerError(form.provider, offers),
    model: modelError(form, offers),
    language: languageError(form.language.trim()),
    template: templateError(form.template, templateFault)
  }
}

function providerError(provider: string, offers: WriterOffers | null): string | null {
  if (provider === '' || offers === null || namesOf(offers).includes(provider)) return null
  return 'The policy does not offer this provider to the writer. Choose another one.'
}

function modelError({ provider, model }: Form, offers: WriterOffers | null): string | null {
  const wanted = model.trim()
  if (provider === '' || wanted === '' || offers === null) return null
  const offered = modelsOf(provider, offers)
  const fits = (each: string): boolean => (each.endsWith('*') ? wanted.startsWith(each.slice(0, -1)) : each === wanted)
  if (offered.length === 0 || offered.some(fits)) return null
  return `The policy does not offer this model. It has: ${offered.join(', ')}.`
}

function languageError(language: string): string | null {
  if (language === '') return 'Say a language, as you would to a person: English, Deutsch.'
  if (language.length > MAX_LANGUAGE_LENGTH) return `A language has at most ${MAX_LANGUAGE_LENGTH} characters.`
  return null
}

function templateError(template: string, fault: string | null): string | null {
  if (template.length > MAX_TEMPLATE_LENGTH) {
    return `A template has at most ${MAX_TEMPLATE_LENGTH.toLocaleString('en')} characters: it is sent with every request.`
  }
  return fault
}
