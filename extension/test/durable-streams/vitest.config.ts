import { defineConfig } from 'vitest/config'

/** Apart from the extension's own tests: it wants a server. */
export default defineConfig({
  test: {
    include: ['test/durable-streams/conformance.ts'],
    testTimeout: 30_000
  }
})
