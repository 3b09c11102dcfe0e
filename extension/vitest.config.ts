import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    setupFiles: ['test/chromium.ts'],
    // The tests by properties take seconds, and several times as many on a machine that does other things too.
    testTimeout: 60_000
  }
})
