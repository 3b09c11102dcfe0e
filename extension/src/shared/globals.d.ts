/** The version of the Python package, put in by build.mjs. */
declare const LONGWIRE_VERSION: string
