/** The version of the Python package, put in by build.mjs. */
declare const LONGWIRE_VERSION: string

interface Document {
  /** Made ready before anybody looks at it; not in TypeScript’s own library yet. */
  readonly prerendering: boolean
}

interface DocumentEventMap {
  prerenderingchange: Event
}

/** A text file, as the bundler puts it in. */
declare module '*.txt' {
  const text: string
  export default text
}

/** A sheet, put in as its text. */
declare module '*.css' {
  const text: string
  export default text
}
