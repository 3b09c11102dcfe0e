/** What a person set for the writer, on its settings page; kept in the extension's storage, which no content script opens. */
export interface WriterSettings {
  /** A name of the policy; null: the first that the policy offers the writer on that site. */
  readonly provider: string | null
  /** One of its models; null: its first. */
  readonly model: string | null
  /** What the description is written in, as a person would say it: `English`, `Deutsch`. */
  readonly language: string
  /** An edited template; null: the one that the extension brings. */
  readonly template: string | null
}

/** Under which name they are stored. */
export const WRITER_SETTINGS = 'writer'

/** What holds where nobody set anything. */
export const USUAL_SETTINGS: WriterSettings = { provider: null, model: null, language: 'English', template: null }

/** From the worker to the writer, on WRITER_SETTINGS_PORT: at once, and after each change. */
export type ToWriter =
  | { readonly type: 'SETTINGS'; readonly settings: WriterSettings }
  /** There is no writer on this page, and this is why; the port is closed. */
  | { readonly type: 'REFUSED'; readonly message: string }

/** From the writer to the worker, on the same port: a person wants to see the settings page. */
export interface FromWriter {
  readonly type: 'OPEN_SETTINGS'
}

/** Whoever controls a page's renderer may say anything. */
export function isOpenSettings(message: unknown): message is FromWriter {
  return (message as Partial<FromWriter> | null | undefined)?.type === 'OPEN_SETTINGS'
}

/** What is stored, which may be anything that an older version wrote; what is no setting is as if nobody had set it. */
export function readWriterSettings(stored: unknown): WriterSettings {
  const { provider, model, language, template } = (
    typeof stored === 'object' && stored !== null ? stored : {}
  ) as Record<keyof WriterSettings, unknown>
  return {
    provider: textOf(provider),
    model: textOf(model),
    language: textOf(language) ?? USUAL_SETTINGS.language,
    template: textOf(template)
  }
}

function textOf(value: unknown): string | null {
  return typeof value === 'string' && value.trim() !== '' ? value : null
}
