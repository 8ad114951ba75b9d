import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { defineConfig } from 'vitest/config'
import { pace } from './rounds.ts'

const everyTest = ['src/**/*.test.ts', 'test/**/*.test.ts']
/** What goes on for minutes by its nature; each of its promises has a short test elsewhere. */
const soaks = ['test/**/*-soak.test.ts']

/** The tests of the project in this folder that do more in a long run: those that ask how many rounds to make, or have controls. */
const testsWithRounds = () =>
  globSync(everyTest).filter((file) => /\b(rounds|controls)\(|\bpace\b/.test(readFileSync(file, 'utf8')))

// Tests start hundreds of processes; each would compile the same libraries and strip the same types once more.
process.env['NODE_COMPILE_CACHE'] ??= join(import.meta.dirname, 'node_modules', '.cache', 'node')

/**
 * What every project's tests share: run from source, in shuffled order, in two processes. The files of a process share
 * what they import, which is half of the time of the small ones: a test that changes the process (its environment, its
 * clock, its handlers) puts back what it found.
 */
export const shared = defineConfig({
  test: {
    include: pace === 'quick' ? everyTest : testsWithRounds(),
    exclude: pace === 'quick' ? soaks : [],
    setupFiles: [join(import.meta.dirname, 'patience.ts')],
    pool: 'forks',
    // Node runs the source as it does in production: it strips the types itself, and nothing is mocked that would need more.
    experimental: { viteModuleRunner: false, nodeLoader: false },
    maxWorkers: 2,
    isolate: false,
    sequence: { shuffle: true },
    // No promise about speed: what hangs is found, what is slow passes.
    expect: { poll: { timeout: 60_000 } },
    testTimeout: pace === 'quick' ? 300_000 : 1_800_000,
    hookTimeout: 300_000,
    passWithNoTests: true,
    execArgv: ['--conditions=@ledgate/source'],
  },
})
