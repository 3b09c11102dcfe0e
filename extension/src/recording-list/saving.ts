// What is said of a recording, and how it becomes a file.

import type { KeptRecording } from '../recording/store'
import { formatBytes } from '../shared/format'

/** `3 streams · 1.2 MB · recording · 10:31` */
export function figuresOf({
  streams,
  cost,
  state,
  madeAt
}: Pick<KeptRecording, 'streams' | 'cost' | 'state' | 'madeAt'>): string {
  const what = { running: 'recording', stopped: null, full: 'full' }[state]
  const began = new Date(madeAt).toLocaleTimeString([], { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' })
  const parts = [`${streams} ${streams === 1 ? 'stream' : 'streams'}`, formatBytes(cost), what, began]
  return parts.filter((part) => part !== null).join(' · ')
}

/** Nothing of a title means anything to a file system. */
export function fileName({ title, madeAt }: Pick<KeptRecording, 'title' | 'madeAt'>): string {
  const words = title.replace(/^https?:\/\//, '').replace(/[^A-Za-z0-9.-]+/g, '-')
  return `longwire-${words.slice(0, 60)}-${madeAt.slice(0, 19).replace(/[:T]/g, '-')}`
}

export function download(blob: Blob, name: string): void {
  const link = document.createElement('a')
  link.href = URL.createObjectURL(blob)
  link.download = name
  link.click()
  // The browser has it by then.
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000)
}
