// The service worker: everything here is a cache. What must survive is in the host, in storage or in the registration.

import { BRIDGE_PORT, POPUP_PORT } from '../shared/names'
import { Bridge, type Peer } from './bridge'
import { Denials } from './denials'
import { identify } from './identity'
import { injectIntoOpenPages } from './injection'
import { NATIVE_HOST, NativeLink } from './native'
import { isPopup, PopupDesk } from './popup'
import { Sites } from './sites'

const POLICY_ALARM = 'policy'
const POLICY_ALARM_MINUTES = 60

const sites = new Sites({ ...chrome, storage: chrome.storage.local }, (added) => injectIntoOpenPages(chrome, added))

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
    badFrame: (id) => bridge.badFromHost(id),
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
const bridge: Bridge = new Bridge(link, denials)
const popups: PopupDesk = new PopupDesk(bridge, denials)

chrome.runtime.onConnect.addListener((port) => {
  if (port.name === POPUP_PORT && isPopup(port.sender, chrome.runtime.id)) return popups.open(port)
  if (port.name !== BRIDGE_PORT) return port.disconnect()
  const identity = identify(port.sender, chrome.runtime.id, chrome.extension.inIncognitoContext)
  const peer: Peer = { port, identity }
  port.onMessage.addListener((message) => bridge.fromPage(peer, message))
  port.onDisconnect.addListener(() => bridge.pageGone(peer))
})

// To learn the policy, the host is started: its WELCOME names the pages.
chrome.runtime.onInstalled.addListener(async () => {
  link.open()
  await injectIntoOpenPages(chrome, await sites.permitted())
})
chrome.runtime.onStartup.addListener(() => link.open())
chrome.permissions.onAdded.addListener(() => {
  // A host that runs already has said which pages there are, and will not say so again.
  void sites.ensure()
  link.open()
})
chrome.permissions.onRemoved.addListener(() => void sites.ensure())
chrome.alarms.onAlarm.addListener(({ name }) => {
  if (name === POLICY_ALARM) link.open()
})

async function keepInOrder(): Promise<void> {
  if ((await chrome.alarms.get(POLICY_ALARM)) === undefined) {
    await chrome.alarms.create(POLICY_ALARM, { periodInMinutes: POLICY_ALARM_MINUTES })
  }
  await sites.ensure()
}

// On every start of the worker, whatever woke it.
void keepInOrder()
