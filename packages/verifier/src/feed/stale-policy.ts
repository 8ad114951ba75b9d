import { MAX_STALENESS_MS } from '@ledgate/revocation'
import { VerifierError } from '../error/index.ts'
import { finiteMs, withDeadline } from '../time/index.ts'
import type { Introspector } from '../introspection/index.ts'
import type { OnStale } from '../options/index.ts'

/** Seconds: about what a feed takes to come back by its other source. */
const RETRY_AFTER_SECONDS = 3

/** What becomes of a token that nothing speaks against, by how stale its feed is. */
export interface Staleness {
  /** Whether it is refused without a question. */
  refuses(stalenessMs: number): boolean
  /**
   * @returns an introspector when the issuer itself must be asked.
   * @throws {VerifierError} `verifier_stale` when it is refused.
   */
  introspectorAt(stalenessMs: number): Introspector | undefined
}

/** The policy on a stale feed. @throws {TypeError} for one that cannot be meant. */
export function stalePolicy({ maxStalenessMs = MAX_STALENESS_MS, policy = 'closed' }: OnStale = {}): Staleness {
  const bound = finiteMs(maxStalenessMs, 'maxStalenessMs')
  const accepted = typeof policy === 'object' && 'accept' in policy ? finiteMs(policy.accept, 'accept') : bound
  if (accepted < bound) throw new TypeError('accept is less than maxStalenessMs: nothing would be accepted by it')
  const introspect = typeof policy === 'object' && 'introspect' in policy ? policy.introspect : undefined
  // A feed that never said anything is as stale as can be, and not a number is no freshness.
  const isAccepted = (stalenessMs: number): boolean => stalenessMs <= accepted
  return {
    refuses: (stalenessMs) => !isAccepted(stalenessMs) && introspect === undefined,
    introspectorAt(stalenessMs) {
      if (isAccepted(stalenessMs)) return undefined
      if (introspect !== undefined) return introspect
      throw new VerifierError('verifier_stale', {
        detail: `revocations are ${Math.round(stalenessMs)} ms behind`,
        retryAfterSeconds: RETRY_AFTER_SECONDS,
      })
    },
  }
}

const INTROSPECTION_MS = 5_000

/**
 * Asks the issuer about a token, with a deadline of its own.
 * @throws {VerifierError} `token_revoked` when it is not active, `verifier_stale` when the issuer cannot be asked.
 */
export async function requireActive(introspect: Introspector, token: string): Promise<void> {
  const { isActive, cause } = await answerOf(introspect, token)
  if (isActive === true) return
  if (isActive === false) throw new VerifierError('token_revoked', { detail: 'not active, says its issuer' })
  throw new VerifierError('verifier_stale', {
    detail: 'revocations are behind and the issuer cannot be asked',
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
