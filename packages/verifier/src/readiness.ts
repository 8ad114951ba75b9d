import { LONGEST_TIMER_MS } from './duration.ts'
import { VerifierError } from './errors.ts'

/** Something to wait for. */
export interface Awaitable {
  readonly name: string
  readonly ready: Promise<void>
  lastError(): string | undefined
}

/**
 * When all of these are ready.
 * @throws {VerifierError} `verifier_not_ready`, naming what was missing and what went wrong with it, after `timeoutMs`, or when
 * one of them never will be.
 */
export async function everythingReady(parts: readonly Awaitable[], timeoutMs: number): Promise<void> {
  const missing = new Set(parts)
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const give = (): void => {
    const detail = [...missing].map(({ name, lastError }) => `${name}: ${lastError() ?? 'nothing came'}`).join('; ')
    reject(new VerifierError('verifier_not_ready', { detail: `after ${timeoutMs} ms there are no ${detail}` }))
  }
  const timer = setTimeout(give, Math.min(timeoutMs, LONGEST_TIMER_MS))
  Promise.all(parts.map((part) => part.ready.then(() => missing.delete(part)))).then(
    () => resolve(),
    (cause: unknown) => reject(new VerifierError('verifier_not_ready', { detail: 'closed while it started', cause })),
  )
  try {
    await promise
  } finally {
    clearTimeout(timer)
  }
}
