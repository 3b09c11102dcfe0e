// What a person may switch off for a site in the popup. It only ever takes away: what the policy does not open stays closed.

/** As the policy's `features`. */
export const FEATURES = ['fetch', 'websocket', 'generate', 'durable', 'record'] as const
export type Feature = (typeof FEATURES)[number]

/** One switch; `all` is Longwire itself on that site. */
export type SiteSwitch = Feature | 'all'

export function isSiteSwitch(value: unknown): value is SiteSwitch {
  return value === 'all' || (FEATURES as readonly unknown[]).includes(value)
}
