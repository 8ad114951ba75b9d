import { LONGEST_TIMER_MS } from '../time/index.ts'
import { VerifierError } from '../error/index.ts'

/** Something to wait for. */
export interface Awaitable {
  readonly name: string
  readonly ready: Promise<void>
  lastError(): string | undefined
}

/** What one issuer needs until its tokens can be verified. */
export type Needed = readonly Awaitable[]

const inWords = (missing: Iterable<Awaitable>): string =>
  [...missing].map(({ name, lastError }) => `${name}: ${lastError() ?? 'nothing came'}`).join('; ')

/**
 * When all that is needed is there, or after `timeoutMs` that of one issuer at least: one that is away does not keep the tokens of the
 * others from being verified.
 *
 * @returns what is missing still, in words; `undefined` when nothing is.
 * @throws {VerifierError} `verifier_not_ready`, naming what was missing and what went wrong with it, when no issuer has all that it
 * needs after `timeoutMs`, or when one of them never will.
 */
export async function enoughReady(issuers: readonly Needed[], timeoutMs: number): Promise<string | undefined> {
  const missing = new Set(issuers.flat())
  const { promise, resolve, reject } = Promise.withResolvers<string | undefined>()
  const give = (): void => {
    const detail = `after ${timeoutMs} ms there are no ${inWords(missing)}`
    if (issuers.some((needed) => needed.every((part) => !missing.has(part)))) resolve(detail)
    else reject(new VerifierError('verifier_not_ready', { detail }))
  }
  const timer = setTimeout(give, Math.min(timeoutMs, LONGEST_TIMER_MS))
  Promise.all([...missing].map((part) => part.ready.then(() => missing.delete(part)))).then(
    () => resolve(undefined),
    (cause: unknown) => reject(new VerifierError('verifier_not_ready', { detail: 'closed while it started', cause })),
  )
  try {
    return await promise
  } finally {
    clearTimeout(timer)
  }
}
