import { DURABLE_URL } from '../shared/names'
import type { DurableRequest, Longwire } from './api'
import {
  bare,
  baseUrl,
  encodeComponent,
  freeze,
  isRequest,
  lastIndexOf,
  NativePromise,
  NativeURL,
  promiseThen,
  requestUrl,
  responseStatus,
  sliceString,
  urlPathname,
  urlSearch
} from './builtins'
import { checkKey } from './durable-ask'
import { LongwireError } from './errors'
import { resolveWith } from './response'
import { type Fetch, fetchFunction, initOf } from './shim'

/** `longwire.durable`: the daemon is asked as a server would be. */
export function durableRequests(fetch: Fetch): Longwire['durable'] {
  // What an executor throws is a rejection.
  return freeze<Longwire['durable']>({
    list: () =>
      new NativePromise<DurableRequest[]>((resolve, reject) => {
        const read = (response: Response) =>
          promiseThen(response.json(), (list: DurableRequest[]) => resolveWith(resolve, list), reject)
        promiseThen(fetch(DURABLE_URL), (response) => judge(response, read, reject), reject)
      }),
    forget: (key) =>
      new NativePromise<void>((resolve, reject) => {
        const asked = fetch(`${DURABLE_URL}/${encodeComponent(checkKey(key))}`, bare({ method: 'DELETE' }))
        promiseThen(asked, (response) => judge(response, () => resolve(), reject), reject)
      }),
    fetch: fetchFunction(
      (args) =>
        new NativePromise((resolve, reject) => {
          const init = initOf(args) ?? (isRequest(args[0]) ? args[0] : undefined)
          promiseThen(fetch(deskUrl(args[0]), init), (response) => resolveWith(resolve, response), reject)
        })
    ) as Longwire['durable']['fetch']
  })
}

function judge(response: Response, take: (response: Response) => void, reject: (reason: unknown) => void): void {
  const status = responseStatus(response)
  if (status < 300) take(response)
  else reject(new LongwireError('PROTOCOL', `Longwire answered with ${status}`, 'headers'))
}

/** The daemon's own address for what ends in a key. */
function deskUrl(input: unknown): string {
  const url = new NativeURL(isRequest(input) ? requestUrl(input) : `${input}`, baseUrl())
  const path = urlPathname(url)
  return `${DURABLE_URL}/${sliceString(path, lastIndexOf(path, '/') + 1)}${urlSearch(url)}`
}
