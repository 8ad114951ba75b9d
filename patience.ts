import { vi } from 'vitest'

/** Milliseconds: longer than anything takes that still happens, on a slow machine where other work runs. */
const PATIENCE_MS = 60_000

type Options = Parameters<typeof vi.waitFor>[1]

const patient = (options: Options) => {
  const given = typeof options === 'number' ? { timeout: options } : options
  return { ...given, timeout: Math.max(given?.timeout ?? 0, PATIENCE_MS) }
}

// `vi.waitFor` gives up after one second unless told. A test waits for a condition, never for a time: what does not
// happen is a failure after a minute as well, and what is slow is none.
const { waitFor, waitUntil } = vi
vi.waitFor = (condition, options) => waitFor(condition, patient(options))
vi.waitUntil = (condition, options) => waitUntil(condition, patient(options))
