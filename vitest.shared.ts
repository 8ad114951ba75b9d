import { defaultServerConditions } from 'vite'
import { defineConfig } from 'vitest/config'

/** What every project's tests share: run from source, each file in a process of its own, in shuffled order. */
export const shared = defineConfig({
  resolve: { conditions: ['@ledgate/source', ...defaultServerConditions] },
  ssr: { resolve: { conditions: ['@ledgate/source', ...defaultServerConditions] } },
  test: {
    include: ['src/**/*.test.ts', 'test/**/*.test.ts'],
    pool: 'forks',
    maxWorkers: 2,
    sequence: { shuffle: true },
    testTimeout: 60_000,
    hookTimeout: 60_000,
    passWithNoTests: true,
    execArgv: ['--conditions=@ledgate/source'],
  },
})
