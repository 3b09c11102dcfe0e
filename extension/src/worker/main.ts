// The service worker: everything here is a cache. What must survive is in the host, in storage or in the registration.

import { workerPlatform as platform } from '../platform'
import type { IncomingPort } from '../platform/platform'
import type { WaitsFor } from '../protocol/bridge'
import type { Switches } from '../protocol/native'
import { RECORDER_PORT } from '../recording/controls'
import { IndexedRecordings } from '../recording/store'
import {
  BRIDGE_PORT,
  DASHBOARD_PORT,
  POPUP_PORT,
  SETTINGS_PORT,
  WRITER_PORT,
  WRITER_SETTINGS_PORT
} from '../shared/names'
import { WRITER_SETTINGS } from '../shared/writer-settings'
import { Admission } from './admission'
import { Bridge, type Peer } from './bridge'
import { DashboardDesk, isDashboard } from './dashboard-desk'
import { Denials } from './denials'
import { needsProfile } from './durable'
import { Gate } from './gate'
import { History } from './history'
import { HistoryStore } from './history-store'
import { type Identity, identify, identifyWriter } from './identity'
import { injectIntoOpenPages } from './injection'
import { LiveStreams } from './live-streams'
import { ManagedSwitches } from './managed'
import { NATIVE_HOST, NativeLink } from './native'
import { Observer } from './observer'
import { PagePermissions } from './permissions'
import { isPopup, PopupDesk } from './popup'
import { PrivateStorage } from './private-storage'
import { Profile } from './profile'
import { Recorder } from './recorder'
import { isRecordersPage, RecorderDesk } from './recorder-desk'
import { isSettingsPage, SettingsDesk } from './settings-desk'
import { SiteSwitches } from './site-switches'
import { Sites } from './sites'
import { Totals } from './totals'
import { WriterDesk } from './writer-desk'
import { WriterPages } from './writer-pages'

const POLICY_ALARM = 'policy'
const POLICY_ALARM_MINUTES = 60

const { managed, onChanged } = platform.managedStorage
const storage = platform.closedStorage()

const switches = new ManagedSwitches(
  { managed, onChanged, remembered: storage },
  () => {
    bridge.judgeAgain()
    void sites.ensure()
    void tellSwitches()
    openLink()
    popups.askAgain()
  },
  () => void endWhatOutlivesPages()
)

const sites = new Sites(
  { scripting: platform.scripting, permissions: platform.permissions, storage },
  (added) => injectIntoOpenPages(platform, added),
  (patterns) => switches.limit(patterns)
)

const link: NativeLink = new NativeLink(
  {
    connect: () => platform.connectNative(NATIVE_HOST),
    closedBy: (port) => platform.closedBy(port),
    extensionId: platform.extension.id,
    extensionVersion: LONGWIRE_VERSION,
    switches: switchesForHost,
    now: () => performance.now()
  },
  {
    message: (message) => bridge.fromHost(message),
    badMessage: (id, last) => bridge.badFromHost(id, last),
    policy: (policy) => {
      void sites.update(policy.pages, policy.writer)
      writerPages.are(policy.writer ?? [])
      popups.policyIs(policy)
      settingsDesk.policyIs(policy)
    },
    lost: (failure) => {
      bridge.hostLost(failure)
      popups.hostLost(failure)
    }
  }
)
const denials = new Denials()
const liveStreams = new LiveStreams(() => link.starting)
const history = new History()
const session = platform.privateContext ? new PrivateStorage() : platform.sessionStorage
const historyStore = new HistoryStore(session, history)
history.keeper = historyStore
const observer = new Observer()
const siteSwitches = new SiteSwitches(storage, platform.privateContext, () => {
  bridge.judgeAgain()
  popups.askAgain()
  void recorder.judgeAgain()
})
const recorder = new Recorder(observer, new IndexedRecordings(), platform.privateContext, siteSwitches)
// Of private windows nothing is kept, be it three numbers.
const totals = new Totals(platform.privateContext ? null : storage)
for (const listener of [denials, liveStreams, history, recorder, totals]) observer.listen(listener)
const recorderDesk = new RecorderDesk(recorder, (shown) => history.find(shown)?.[0].id)
const permissions = new PagePermissions(platform.permissions)
const gate = new Gate(switches, permissions)
const writerPages = new WriterPages(storage)
const writerDesk = new WriterDesk(storage, () => platform.openSettings())
const profile = new Profile(storage)
const admission = new Admission({
  refusal: (origin) => switches.refusal(origin) ?? siteSwitches.refusal(origin),
  switchedOff: (origin, asked) => siteSwitches.refusalOf(origin, asked),
  profile: () => profile.id
})
const bridge: Bridge = new Bridge(link, observer, admission)
const popups: PopupDesk = new PopupDesk(bridge, liveStreams, denials, siteSwitches, totals, {
  waitsFor: (origin) => gate.waitsFor(origin) ?? (link.starting ? 'host' : null),
  confirmed: () => switches.confirmed
})

const settingsDesk = new SettingsDesk(bridge)
const { timeOrigin } = performance
const dashboards = new DashboardDesk({
  history,
  observer,
  host: () => ({ starting: link.starting, heardAt: link.heardAt > 0 ? timeOrigin + link.heardAt : 0 }),
  stop: (stream) => bridge.stop(null, stream),
  now: () => timeOrigin + performance.now(),
  later: (act, ms) => setTimeout(act, ms)
})

/**
 * Start the host, to learn the policy: its WELCOME names the pages. Whoever streams right after the browser's start finds
 * it running, and it is let go of after the linger of every other.
 */
function openLink(): void {
  gate.whenKnown(() => {
    if (switches.enabled) link.open()
  })
}

function switchesForHost(): Switches | null {
  const { narrowed } = switches
  if (narrowed === null) return null
  return { type: 'SWITCHES', ...narrowed, ...(profile.id === null ? {} : { profile: profile.id }) }
}

/** Where a host runs: it is told which profile this is too, as soon as that is known. */
async function tellSwitches(): Promise<void> {
  link.tellSwitches()
  if (switches.narrowed === null) return
  await profile.recall()
  link.tellSwitches()
}

/**
 * What is switched off ends the durable requests of this profile, whose pages may be gone, and the host with them. Where
 * there may be some, it is started once more for that alone.
 */
async function endWhatOutlivesPages(): Promise<void> {
  await tellSwitches()
  if (!switches.enabled && profile.id !== null) link.open()
}

platform.onConnect.addListener((port) => {
  if (port.name === POPUP_PORT && isPopup(port.sender, platform.extension)) {
    return popups.open(port, (act) => gate.whenKnown(() => siteSwitches.whenKnown(act)))
  }
  if (port.name === DASHBOARD_PORT && isDashboard(port.sender, platform.extension)) {
    return dashboards.open(port, (act) => void historyStore.ready.then(act))
  }
  if (port.name === SETTINGS_PORT && isSettingsPage(port.sender, platform.extension)) {
    return settingsDesk.open(port, (act) => gate.whenKnown(act))
  }
  if (port.name === RECORDER_PORT && isRecordersPage(port.sender, platform.extension)) return recorderDesk.open(port)
  const { id } = platform.extension
  if (port.name === WRITER_PORT || port.name === WRITER_SETTINGS_PORT) {
    return openWriter(port, identifyWriter(port.sender, id, platform.privateContext))
  }
  if (port.name !== BRIDGE_PORT) return port.disconnect()
  const identity = identify(port.sender, id, platform.privateContext)
  const origin = originOf(identity)
  // Not so the popup, which asks for a page that may have to be allowed first.
  const whenKnown = (act: () => void) => siteSwitches.whenKnown(act)
  serve({ port, identity, refusal: () => (origin === null ? null : permissions.refusal(origin)) }, port, whenKnown)
})

const originOf = (identity: Identity) => ('page' in identity ? identity.page.origin : null)

/** The writer's own ports: by their names, which no message can say, and where the policy has the writer. */
function openWriter(port: IncomingPort, identity: Identity): void {
  const origin = originOf(identity)
  const refusal = () =>
    origin === null
      ? null
      : (permissions.refusal(origin) ??
        writerPages.refusal(origin) ??
        switches.refusal(origin) ??
        siteSwitches.refusal(origin))
  const whenKnown = (act: () => void) => siteSwitches.whenKnown(() => writerPages.whenKnown(act))
  if (port.name === WRITER_PORT) return serve({ port, identity, refusal }, port, whenKnown)
  writerDesk.open(
    port,
    () => ('refusal' in identity ? identity.refusal : refusal()),
    (act) => gate.whenAllowed(origin, () => whenKnown(act))
  )
}

/** @param whenKnown does something when it is known whether this peer may be served, in the order of the calls */
function serve(peer: Peer, port: IncomingPort, whenKnown: (act: () => void) => void): void {
  const origin = originOf(peer.identity)
  const waits = (what: WaitsFor) => bridge.waits(peer, what)
  const needs = (message: unknown) => 'page' in peer.identity && needsProfile(message, peer.identity.page)
  port.onMessage.addListener((message) =>
    gate.whenAllowed(
      origin,
      () => whenKnown(() => profile.whenKnown(needs(message), () => bridge.fromPage(peer, message))),
      waits
    )
  )
  port.onDisconnect.addListener(() =>
    gate.whenAllowed(origin, () => whenKnown(() => profile.whenKnown(false, () => bridge.pageGone(peer))))
  )
}

onChanged.addListener((changes, area) => {
  if (area === 'local' && WRITER_SETTINGS in changes) void writerDesk.changed()
})

// By the frame that a relay put into its page.
platform.onDirectPort((token, port) => bridge.directPort(token, port))

platform.onInstalled.addListener(async () => {
  openLink()
  await switches.ready
  await injectIntoOpenPages(platform, await sites.permitted())
})
platform.onStartup.addListener(openLink)
platform.onStartup.addListener(() => void recorder.forget())
platform.permissions.onAdded.addListener(() => {
  // A host that runs already has said which pages there are, and will not say so again.
  void ensureSites()
  void permissions.askAgain()
  openLink()
})
platform.permissions.onRemoved.addListener(() => {
  void ensureSites()
  // The relays of the pages that are open stay in them.
  void permissions.askAgain().then(() => bridge.judgeAgain())
})
platform.alarms.onAlarm.addListener(({ name }) => {
  if (name === POLICY_ALARM) openLink()
})

async function ensureSites(): Promise<void> {
  await switches.ready
  await sites.ensure()
}

async function keepInOrder(): Promise<void> {
  if ((await platform.alarms.get(POLICY_ALARM)) === undefined) {
    await platform.alarms.create(POLICY_ALARM, { periodInMinutes: POLICY_ALARM_MINUTES })
  }
  await ensureSites()
}

// On every start of the worker, whatever woke it.
void keepInOrder()
void switches.ready.then(tellSwitches)
