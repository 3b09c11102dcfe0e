/** What two worlds must call alike. */

/** What a request to a language model is sent to: no server's address, for the host knows the providers. */
export const GENERATE_URL = 'longwire:generate'

/** Where the daemon answers for what is durable; below it, for one key: `longwire:durable/KEY`. */
export const DURABLE_URL = 'longwire:durable'

/** Name of the runtime port between a relay and the worker. */
export const BRIDGE_PORT = 'longwire'

/** Name of the runtime port by which the writer asks, as BRIDGE_PORT is that of the page's own scripts. */
export const WRITER_PORT = 'longwire-writer'

/** Name of the runtime port by which the worker tells the writer its settings. */
export const WRITER_SETTINGS_PORT = 'longwire-writer-settings'

/** Name of the runtime port between the extension's own popup and the worker. */
export const POPUP_PORT = 'longwire-popup'

/** The popup's page, in the extension's folder. */
export const POPUP_PAGE = '/popup.html'

/** Name of the runtime port between the writer's settings page and the worker. */
export const SETTINGS_PORT = 'longwire-settings'

/** The writer's settings page, in the extension's folder. */
export const SETTINGS_PAGE = '/settings.html'

/** Name of the runtime port between the dashboard and the worker. */
export const DASHBOARD_PORT = 'longwire-dashboard'

/** The dashboard, in the extension's folder. */
export const DASHBOARD_PAGE = '/dashboard.html'

/**
 * What relay and shim say to each other. A page keeps its shim when the extension is updated, and a shim hears only a relay
 * that says its own number: to be raised with every message that the shim did not know.
 */
export const BRIDGE_VERSION = 4

/** Relay to shim, on `window`: `ports[0]` is the shim's end of the private channel and `data` is BRIDGE_VERSION. */
export const PORT_EVENT = 'longwire:port'

/** Relay to shim, on `window`: the relay behind `ports[0]` is dead, whether or not that port is still the shim's. */
export const GONE_EVENT = 'longwire:gone'

/** Shim to relay, on `window`: hand over a port if you have not, and say so if you are dead. */
export const SHIM_EVENT = 'longwire:shim'
