import { isUnder, readDestinations } from '../page/destinations'
import { LongwireError } from '../page/errors'
import { readPullRequest } from './diff'
import { editorOf, forgetWritten } from './editors'
import { watch } from './editors/hands'
import type { WriterHost } from './host'
import type { Editor, Reference, Site } from './model'
import { MAX_DIFF_BYTES } from './run/run'
import { onNavigation, siteOf } from './sites'
import { DEFAULT_TEMPLATE, fieldsOf, fillTemplate } from './template'
import { neutralise } from './text/neutralise'
import { sameReference, Visit } from './visit'
import { Watching } from './watching'

/**
 * What the writer does on its page, with what it has of the host.
 *
 * @returns what takes all of it out of the page again: another version of this script is about to take its place
 */
export function start(host: WriterHost): () => void {
  // Before the panel, which keeps its keys from whoever listens later: a key that goes down in the editor may come up there.
  watch()
  const watching: Watching = new Watching({
    siteOf,
    onNavigation: (listener, signal) => onNavigation(window, listener, signal),
    visit: (site, reference) => {
      // A site may keep its editor for its next page, or have another one like it.
      forgetWritten()
      return visitOf(host, site, reference, () => watching.reference())
    }
  })
  return () => watching.end()
}

function visitOf(host: WriterHost, site: Site, reference: Reference, current: () => Reference | null): Visit {
  const findEditor = (): Editor | null => {
    const now = current()
    const place = now !== null && sameReference(now, reference) ? site.editor(document) : null
    return place && editorOf(place)
  }
  return new Visit(site, {
    findEditor,
    readPullRequest: async (signal) => {
      const { destinations } = await statusOf(host)
      const granted = readDestinations(destinations)
      return readPullRequest(site, reference, document, {
        hostFetch: host.hostFetch,
        // With the person's session, as a script of the page would; this world's own function, which no page has replaced.
        pageFetch: (input, init) => fetch(input, init),
        signal,
        maxBytes: MAX_DIFF_BYTES,
        offered: (url) => isUnder(url, granted)
      })
    },
    prompt: (template, pullRequest, person) =>
      fillTemplate(template ?? DEFAULT_TEMPLATE, fieldsOf(pullRequest, person)),
    neutralise: (text) => neutralise(text, reference.site),
    settings: () => host.settings(),
    offers: async () => (await statusOf(host)).providers ?? [],
    generate: (request, options) => host.generate(request, options),
    openSettings: () => host.openSettings()
  })
}

/** What the policy has for the writer here. */
async function statusOf(host: WriterHost): Promise<Awaited<ReturnType<WriterHost['status']>>> {
  let status = await host.status()
  // It says so after a second, each time; and that it failed, if it takes too long.
  while (status.state === 'starting') status = await host.status()
  if (status.state === 'ready') return status
  throw new LongwireError('HOST_UNAVAILABLE', status.fix ?? `the host does not answer (${status.state})`, 'connect')
}
