// The dashboard: a page of the extension, which no web page opens, frames or reads. What it knows it has from the worker.

import { dashboardPlatform as platform } from '../platform'
import type { FromDashboard, Update } from '../shared/dashboard'
import { element } from '../shared/dom'
import { DASHBOARD_PORT } from '../shared/names'
import { WorkerLink, type WorkerPort } from '../shared/worker-link'
import { Dashboard } from './dashboard'
import { RecorderPanel } from './recorder'

/** How old at most is what is known of the host's last word. */
const HERE_MS = 5_000

// In a frame it would be somebody else's to lay over and to click through; the worker does not speak to it there either.
if (window.top === window) {
  const link: WorkerLink<FromDashboard, Update> = new WorkerLink(
    () => platform.connect(DASHBOARD_PORT) as WorkerPort<FromDashboard, Update>,
    (update) => {
      dashboard.receive(update)
      link.send({ type: 'GOT' })
    }
  )
  const dashboard = new Dashboard(
    (message) => link.send(message),
    (pages, close) => new RecorderPanel((name) => platform.connect(name), platform.privateContext, pages, close)
  )
  link.watch({ type: 'WATCH' })
  setInterval(() => link.send({ type: 'HERE' }), HERE_MS)
} else element('no-frames').hidden = false
