import look from '../../shared/look.css'
import own from './style.css'

/** All of the panel's look, as a text: a sheet of the extension's own would have to be open to every page. */
export const STYLE = `${look}\n${own}`
