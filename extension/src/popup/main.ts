// The popup: a page of the extension, alive only while somebody looks at it. Everything it knows comes from the worker.

import { popupPlatform as platform } from '../platform'
import { element, setText } from '../shared/dom'
import { POPUP_PORT } from '../shared/names'
import type { FromPopup, Snapshot } from '../shared/popup'
import { WorkerLink, type WorkerPort } from '../shared/worker-link'
import { permissionFor, viewOf } from './model'
import { Rates } from './rates'
import { Recordings } from './recordings'
import { findSite, type Site } from './site'
import { StreamList } from './streams'
import { Switches } from './switches'
import { wordsOf } from './today'
import { Page } from './view'

const page = new Page()
const rates = new Rates()
let site: Site = { tab: -1, origin: null, refusal: '', private: false }
let snapshot: Snapshot | null = null
let permitted: boolean | undefined

const link = new WorkerLink<FromPopup, Snapshot>(
  () => platform.connect(POPUP_PORT) as WorkerPort<FromPopup, Snapshot>,
  (received) => {
    // One about another tab was on its way when the popup turned to this one.
    if (received.tab !== site.tab) return
    snapshot = received
    rates.add(received.at, received.streams)
    show()
  }
)
const switches = new Switches((which, on) => link.send({ type: 'SWITCH', which, on }))
const list = new StreamList((stream) => link.send({ type: 'STOP', stream }))

const recordings = new Recordings((name) => platform.connect(name))

function show(): void {
  const view = viewOf(site, snapshot, permitted, LONGWIRE_VERSION)
  page.show(site, view)
  if (snapshot !== null) list.show(snapshot.streams, snapshot.at, rates, site.origin)
  // Beside a host that is not there, the streams that there are not are no news.
  switches.show(site.origin, snapshot)
  element('today').hidden = snapshot === null
  setText(element('today'), snapshot === null ? '' : wordsOf(snapshot.today))
  element('streams').hidden = view.problem !== null && !snapshot?.streams.length
}

async function checkPermission(): Promise<void> {
  permitted = site.origin === null ? undefined : await platform.permissions.contains({ origins: [`${site.origin}/*`] })
  show()
}

async function look(): Promise<void> {
  site = await findSite(platform, location.hash)
  link.watch({ type: 'WATCH', tab: site.tab, origin: site.origin, private: site.private })
  recordings.watch(site.origin, site.private)
  await checkPermission()
}

element('retry').addEventListener('click', () => link.send({ type: 'ASK' }))
element('allow').addEventListener('click', () => {
  const pattern = permissionFor(site.origin, snapshot)
  // Within the click: the browser asks nobody otherwise.
  if (pattern !== null) void platform.permissions.request({ origins: [pattern] })
})
platform.permissions.onAdded.addListener(() => void checkPermission())
platform.permissions.onRemoved.addListener(() => void checkPermission())
platform.tabs.onUpdated.addListener((tab, { url }) => {
  if (tab === site.tab && url !== undefined) void look()
})

void look()
