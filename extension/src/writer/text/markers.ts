/** Comments of Markdown that a template may bring: the writer's text goes between them, and what is there is replaced. */
export const MARKERS = { begin: '<!-- longwire:begin -->', end: '<!-- longwire:end -->' } as const
