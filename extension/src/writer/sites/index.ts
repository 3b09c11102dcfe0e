import type { Site } from '../model'
import { bitbucket } from './bitbucket'
import { forgejo } from './forgejo'
import { github } from './github'
import { gitlab } from './gitlab'

const SITES: readonly Site[] = [bitbucket, github, gitlab, forgejo]

/** Whose page it is; null where it is none that the writer knows. */
export function siteOf(url: URL, document: Document): Site | null {
  return SITES.find((site) => site.matches(url, document)) ?? null
}

export { onNavigation } from './navigation'
