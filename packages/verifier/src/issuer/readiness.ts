import { LONGEST_TIMER_MS } from '../time/index.ts'
import { VerifierError } from '../error/index.ts'

/** Something that must be ready. */
export interface Awaitable {
  readonly name: string
  readonly ready: Promise<void>
  lastError(): string | undefined
}

/** What one issuer needs before its tokens can be verified. */
export type Needed = readonly Awaitable[]

const inWords = (missing: Iterable<Awaitable>): string =>
  [...missing].map(({ name, lastError }) => `${name}: ${lastError() ?? 'no answer yet'}`).join('; ')

/**
 * Waits until all issuers are ready, or after `timeoutMs` until one is: an issuer that is unavailable does not affect the tokens of
 * the others.
 *
 * @returns what is still missing, in words; `undefined` if nothing is.
 * @throws {VerifierError} `verifier_not_ready`, with what is missing and its last error, if no issuer is ready after `timeoutMs`, or
 * the verifier is closed.
 */
export async function enoughReady(issuers: readonly Needed[], timeoutMs: number): Promise<string | undefined> {
  const missing = new Set(issuers.flat())
  const { promise, resolve, reject } = Promise.withResolvers<string | undefined>()
  const give = (): void => {
    const detail = `not ready after ${timeoutMs} ms: ${inWords(missing)}`
    if (issuers.some((needed) => needed.every((part) => !missing.has(part)))) resolve(detail)
    else reject(new VerifierError('verifier_not_ready', { detail }))
  }
  const timer = setTimeout(give, Math.min(timeoutMs, LONGEST_TIMER_MS))
  Promise.all([...missing].map((part) => part.ready.then(() => missing.delete(part)))).then(
    () => resolve(undefined),
    (cause: unknown) => reject(new VerifierError('verifier_not_ready', { detail: 'closed during start', cause })),
  )
  try {
    return await promise
  } finally {
    clearTimeout(timer)
  }
}
