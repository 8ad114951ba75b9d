import { setTimeout as pause } from 'node:timers/promises'

/** Keeps the newest of many values durably. No one waits for it, and those that come in a row cost one write. */
export interface DebouncedWriter<Value> {
  keep(value: Value): void
  /** Writes at once what was to be written, and waits for it. */
  settle(): Promise<void>
}

export interface DebouncedWriterOptions<Value> {
  /** Writes a value; never called again before it is done. */
  save(value: Value): Promise<void>
  /** Milliseconds from a value to its write, in which a newer one takes its place. */
  readonly afterMs: number
  /** Called with the error of a failed write; the value is given up for the next one. */
  onError(error: unknown): void
}

/** Has nothing to keep yet. */
export function createDebouncedWriter<Value>({
  save,
  afterMs,
  onError,
}: DebouncedWriterOptions<Value>): DebouncedWriter<Value> {
  let newest: { readonly value: Value } | undefined
  let work: Promise<void> | undefined
  let hurry = new AbortController()

  async function keepAll(): Promise<void> {
    while (newest !== undefined) {
      await pause(afterMs, undefined, { signal: hurry.signal, ref: false }).catch(() => undefined)
      const { value } = newest
      newest = undefined
      await save(value).catch(onError)
    }
    work = undefined
  }

  return {
    keep(value) {
      newest = { value }
      work ??= keepAll()
    },
    async settle() {
      hurry.abort()
      await work
      hurry = new AbortController()
    },
  }
}
