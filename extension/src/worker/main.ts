// The service worker: everything here is a cache. What must survive is in the host, in storage or in the registration.

import { BRIDGE_PORT, POPUP_PORT } from '../shared/names'
import { Bridge, type Peer } from './bridge'
import { Denials } from './denials'
import { identify } from './identity'
import { injectIntoOpenPages } from './injection'
import { ManagedSwitches } from './managed'
import { NATIVE_HOST, NativeLink } from './native'
import { PagePermissions } from './permissions'
import { isPopup, PopupDesk } from './popup'
import { Sites } from './sites'
import { closedToPages } from './storage'

const POLICY_ALARM = 'policy'
const POLICY_ALARM_MINUTES = 60

const switches = new ManagedSwitches(chrome.storage, () => {
  bridge.judgeAgain()
  void sites.ensure()
  openLink()
})

const sites = new Sites(
  { ...chrome, storage: closedToPages(chrome.storage.local) },
  (added) => injectIntoOpenPages(chrome, added),
  (patterns) => switches.limit(patterns)
)

const link: NativeLink = new NativeLink(
  {
    connect: () => chrome.runtime.connectNative(NATIVE_HOST),
    lastError: () => chrome.runtime.lastError?.message,
    extensionId: chrome.runtime.id,
    extensionVersion: LONGWIRE_VERSION,
    now: () => performance.now()
  },
  {
    frame: (frame) => bridge.fromHost(frame),
    badFrame: (id, last) => bridge.badFromHost(id, last),
    policy: (policy) => {
      void sites.update(policy.pages)
      popups.policyIs(policy)
    },
    lost: (failure) => {
      bridge.hostLost(failure)
      popups.hostLost(failure)
    }
  }
)
const denials = new Denials()
const permissions = new PagePermissions(chrome.permissions)
const bridge: Bridge = new Bridge(link, denials, (origin) => switches.refusal(origin))
const popups: PopupDesk = new PopupDesk(bridge, denials)

/** Now, or as soon as the administrator's switches are known; in the order of the calls. */
function whenKnown(act: () => void): void {
  if (switches.known) act()
  else void switches.ready.then(act)
}

/** Start the host, to learn the policy: its WELCOME names the pages. */
function openLink(): void {
  whenKnown(() => {
    if (switches.enabled) link.open()
  })
}

chrome.runtime.onConnect.addListener((port) => {
  if (port.name === POPUP_PORT && isPopup(port.sender, chrome.runtime.id)) {
    return popups.open(port, whenKnown)
  }
  if (port.name !== BRIDGE_PORT) return port.disconnect()
  const identity = identify(port.sender, chrome.runtime.id, chrome.extension.inIncognitoContext)
  // Not so the popup, which asks for a page that may have to be allowed first.
  const refusal = () => ('page' in identity ? permissions.refusal(identity.page.origin) : null)
  const peer: Peer = { port, identity, refusal }
  const whenAllowed = (act: () => void) =>
    whenKnown(() => ('page' in identity ? permissions.whenKnown(identity.page.origin, act) : act()))
  port.onMessage.addListener((message) => whenAllowed(() => bridge.fromPage(peer, message)))
  port.onDisconnect.addListener(() => whenAllowed(() => bridge.pageGone(peer)))
})

// Only the extension's own documents can reach its worker in this way: here, the frame that a relay put into its page.
addEventListener('message', ({ data, ports: [port] }) => {
  if (port !== undefined) bridge.directPort(data, port)
})

chrome.runtime.onInstalled.addListener(async () => {
  openLink()
  await switches.ready
  await injectIntoOpenPages(chrome, await sites.permitted())
})
chrome.runtime.onStartup.addListener(openLink)
chrome.permissions.onAdded.addListener(() => {
  // A host that runs already has said which pages there are, and will not say so again.
  void ensureSites()
  void permissions.askAgain()
  openLink()
})
chrome.permissions.onRemoved.addListener(() => {
  void ensureSites()
  // The relays of the pages that are open stay in them.
  void permissions.askAgain().then(() => bridge.judgeAgain())
})
chrome.alarms.onAlarm.addListener(({ name }) => {
  if (name === POLICY_ALARM) openLink()
})

async function ensureSites(): Promise<void> {
  await switches.ready
  await sites.ensure()
}

async function keepInOrder(): Promise<void> {
  if ((await chrome.alarms.get(POLICY_ALARM)) === undefined) {
    await chrome.alarms.create(POLICY_ALARM, { periodInMinutes: POLICY_ALARM_MINUTES })
  }
  await ensureSites()
}

// On every start of the worker, whatever woke it.
void keepInOrder()
