// What a page is told that misspells an option: which ones there are.

import { expect, test } from 'vitest'
import { readOptions, readTimeouts } from '../../src/page/options'

test('an option that there is not is refused with those that there are', () => {
  expect(() => readOptions({ idletimeout: 1 })).toThrow(
    '`longwire.idletimeout` is not an option: those are headerTimeout, idleTimeout, totalTimeout, onUploadProgress, onEnd, durable'
  )
})

test('a timeout of longwire.patch that there is not is refused with those that there are', () => {
  expect(() => readTimeouts({ idle: 1 })).toThrow(
    '`timeouts.idle` is not an option: those are headerTimeout, idleTimeout, totalTimeout'
  )
})

test('the options that are named are taken', () => {
  const onUploadProgress = () => {}
  const onEnd = () => {}
  const given = { headerTimeout: 1, idleTimeout: 2, totalTimeout: 3, onUploadProgress, onEnd }

  const timeouts = { header_ms: 1, idle_ms: 2, total_ms: 3 }
  expect(readOptions(given)).toEqual({ timeouts, durable: null, onUploadProgress, onEnd })
})

test.each(['onUploadProgress', 'onEnd'])('%s that is no function is refused by its name', (name) => {
  expect(() => readOptions({ [name]: 5 })).toThrow(new TypeError(`\`longwire.${name}\` is not a function`))
})
