import { defineConfig } from 'vitest/config'
import { shared } from '../../vitest.shared.ts'

// Each file in a process of its own: the servers that its tests share end with it (`src/at-end.ts`).
export default defineConfig({ ...shared, test: { ...shared.test, isolate: true, globalSetup: 'src/built.ts' } })
