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
