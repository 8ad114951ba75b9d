import { MAX_STALENESS_MS } from '@ledgate/revocation'
import { VerifierError } from '../error/index.ts'
import { finiteMs, withDeadline } from '../time/index.ts'
import type { Introspector } from '../introspection/index.ts'
import type { OnStale } from '../options/index.ts'

/** Seconds: about what a feed takes to recover through its fallback. */
const RETRY_AFTER_SECONDS = 3

/** What happens to a token that is not known to be revoked, depending on how stale its feed is. */
export interface Staleness {
  /** Whether it is refused without asking the issuer. */
  refuses(stalenessMs: number): boolean
  /**
   * @returns an introspector if the issuer must be asked.
   * @throws {VerifierError} `verifier_stale` if the token is refused.
   */
  introspectorAt(stalenessMs: number): Introspector | undefined
}

/** The policy for a stale feed. @throws {TypeError} if it is invalid. */
export function stalePolicy({ maxStalenessMs = MAX_STALENESS_MS, policy = 'closed' }: OnStale = {}): Staleness {
  const bound = finiteMs(maxStalenessMs, 'maxStalenessMs')
  const accepted = typeof policy === 'object' && 'accept' in policy ? finiteMs(policy.accept, 'accept') : bound
  if (accepted < bound) throw new TypeError('accept is less than maxStalenessMs: it would have no effect')
  const introspect = typeof policy === 'object' && 'introspect' in policy ? policy.introspect : undefined
  // Before the first heartbeat the staleness is infinite; `NaN` does not count as fresh either.
  const isAccepted = (stalenessMs: number): boolean => stalenessMs <= accepted
  return {
    refuses: (stalenessMs) => !isAccepted(stalenessMs) && introspect === undefined,
    introspectorAt(stalenessMs) {
      if (isAccepted(stalenessMs)) return undefined
      if (introspect !== undefined) return introspect
      throw new VerifierError('verifier_stale', {
        detail: `the revocation feed is ${Math.round(stalenessMs)} ms behind`,
        retryAfterSeconds: RETRY_AFTER_SECONDS,
      })
    },
  }
}

const INTROSPECTION_MS = 5_000

/**
 * Asks the issuer about a token, with a deadline of its own.
 *
 * @throws {VerifierError} `token_revoked` if it is not active, `verifier_stale` if the issuer does not answer.
 */
export async function requireActive(introspect: Introspector, token: string): Promise<void> {
  const { isActive, cause } = await answerOf(introspect, token)
  if (isActive === true) return
  if (isActive === false)
    throw new VerifierError('token_revoked', { detail: 'introspection answered that it is not active' })
  throw new VerifierError('verifier_stale', {
    detail: 'the revocation feed is stale and the introspection failed',
    retryAfterSeconds: RETRY_AFTER_SECONDS,
    cause,
  })
}

async function answerOf(introspect: Introspector, token: string): Promise<{ isActive?: unknown; cause?: unknown }> {
  try {
    return { isActive: await withDeadline(async (signal) => introspect(token, signal), INTROSPECTION_MS) }
  } catch (cause) {
    return { cause }
  }
}
