/** Whether this run is `make test-all`, which tries the whole of what `make test` tries a slice of. */
export const WHOLE = process.env['LONGWIRE_TEST_ALL'] === '1'

/** How often: `whole`, or in `make test` `slice`. */
export const times = (whole: number, slice: number): number => (WHOLE ? whole : slice)
