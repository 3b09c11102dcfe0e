import { readFile } from 'node:fs/promises'
import { defineConfig } from 'vitest/config'

/** As the bundler's loader `text`. */
const textFiles = {
  name: 'text-files',
  // Vite would give its address.
  enforce: 'pre' as const,
  load: async (id: string) =>
    id.endsWith('.txt') ? `export default ${JSON.stringify(await readFile(id, 'utf8'))}` : null
}

export default defineConfig({
  plugins: [textFiles],
  test: {
    include: ['test/**/*.test.ts'],
    setupFiles: ['test/chromium.ts'],
    // Else one core stays without.
    maxWorkers: '100%',
    // The tests by properties take seconds, and several times as many on a machine that does other things too.
    testTimeout: 60_000
  }
})
