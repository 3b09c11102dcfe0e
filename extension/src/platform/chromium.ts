// Chromium and its relatives. No other module names `chrome`.
//
// An object for each world, made of getters: a bundle has its own world's alone, and what the browser does not give to that
// world is never touched.

import { families } from '../../../manifests/browsers.json'
import { reasonOf } from './closing'
import type {
  DashboardPlatform,
  FramePlatform,
  PopupPlatform,
  RelayPlatform,
  SettingsPlatform,
  Storage,
  WorkerPlatform
} from './platform'

const ownOrigin = (): string => new URL(chrome.runtime.getURL('')).origin

/**
 * Chromium lets content scripts into `chrome.storage.local` unless told otherwise, and whoever controls a page's renderer
 * controls the relay in it: it could read which pages are granted, and add to them.
 */
function closedStorage(): Storage {
  const area = chrome.storage.local
  const closed = area.setAccessLevel({ accessLevel: 'TRUSTED_CONTEXTS' })
  return {
    // What is read was written before, whether or not it is closed by now; the browser keeps it closed over its restarts.
    get: (key) => area.get(key),
    set: async (items) => {
      await closed
      await area.set(items)
    }
  }
}

export const workerPlatform: WorkerPlatform = {
  get extension() {
    return { id: chrome.runtime.id, origin: ownOrigin() }
  },
  get privateContext() {
    return chrome.extension.inIncognitoContext
  },
  connectNative: (host) => chrome.runtime.connectNative(host),
  closedBy: () => reasonOf(families.chromium.errors, chrome.runtime.lastError?.message),
  closedStorage,
  // Closed to content scripts as long as nobody opens it.
  get sessionStorage() {
    return chrome.storage.session
  },
  get managedStorage() {
    return chrome.storage
  },
  get permissions() {
    return chrome.permissions
  },
  get scripting() {
    return chrome.scripting
  },
  get tabs() {
    return chrome.tabs
  },
  get alarms() {
    return chrome.alarms
  },
  get onConnect() {
    return chrome.runtime.onConnect
  },
  get onInstalled() {
    return chrome.runtime.onInstalled
  },
  get onStartup() {
    return chrome.runtime.onStartup
  },
  openSettings: () => void chrome.runtime.openOptionsPage(),
  onDirectPort(listener) {
    // Only the extension's own documents can reach its worker in this way.
    addEventListener('message', ({ data, ports: [port] }) => {
      if (port !== undefined) listener(data, port)
    })
  }
}

export const relayPlatform: RelayPlatform = {
  connect: (name) => chrome.runtime.connect({ name }),
  // Chromium takes the id away when the extension context is invalidated.
  orphaned: () => chrome.runtime?.id === undefined,
  frameAddress: () => ({ url: chrome.runtime.getURL('direct.html'), origin: ownOrigin() })
}

export const framePlatform: FramePlatform = {
  async sendDirectPort(token, port) {
    const { active } = await navigator.serviceWorker.ready
    active?.postMessage(token, [port])
  }
}

export const popupPlatform: PopupPlatform = {
  connect: (name) => chrome.runtime.connect({ name }),
  get permissions() {
    return chrome.permissions
  },
  get scripting() {
    return chrome.scripting
  },
  get tabs() {
    return chrome.tabs
  }
}

export const dashboardPlatform: DashboardPlatform = {
  get privateContext() {
    return chrome.extension.inIncognitoContext
  },
  connect: (name) => chrome.runtime.connect({ name })
}

export const settingsPlatform: SettingsPlatform = {
  connect: (name) => chrome.runtime.connect({ name }),
  get storage() {
    return closedStorage()
  }
}
