import { setTimeout as pause } from 'node:timers/promises'
import { type Verifier, VerifierError, type VerifierErrorCode } from '@ledgate/verifier'
import { decodeJwt } from 'jose'

/** An access token and what became of it. Times are milliseconds of the monotonic clock of this process. */
export interface KnownToken {
  readonly text: string
  /** When its revocation was sent for the first time; `undefined` as long as it never was. */
  sentAt: number | undefined
  /** When its revocation was answered: from then on somebody relies on it. */
  acknowledgedAt: number | undefined
}

export type Verdict = 'accepted' | VerifierErrorCode

/** What a verifier said of a token, once. */
export interface Saying {
  readonly askedAt: number
  /** How stale it knew its feed to be, in milliseconds, just before it was asked and just after it had answered. */
  readonly staleness: { readonly before: number; readonly after: number }
  readonly verdict: Verdict
  /** Whether it had called this token revoked before. */
  readonly hadRefused: boolean
}

/** What verifiers promise, in the words in which a broken promise is reported. */
export type Promised =
  | 'what was revoked before the time that was vouched for is not accepted'
  | 'nothing is accepted by what is staler than the bound'
  | 'what was never revoked is not refused'
  | 'what was refused as revoked is not accepted again'

/** What is no verdict on a token: the answer is 503, and the client comes again. */
const UNAVAILABLE: readonly Verdict[] = ['verifier_stale', 'verifier_not_ready']

/** Milliseconds by which the clocks of this machine may disagree: one is read in whole milliseconds, and is set. */
const CLOCKS_MS = 20

/**
 * The promises that one verdict breaks. Tokens live longer than a test, so that age is never the reason. A token whose
 * revocation was sent and not answered yet may be either.
 */
export function brokenBy(
  { sentAt, acknowledgedAt }: Omit<KnownToken, 'text'>,
  { askedAt, staleness, verdict, hadRefused }: Saying,
  boundMs: number,
): readonly Promised[] {
  if (verdict !== 'accepted') {
    const isFalse = sentAt === undefined && !UNAVAILABLE.includes(verdict)
    return isFalse ? ['what was never revoked is not refused'] : []
  }
  const broken: Promised[] = []
  if (acknowledgedAt !== undefined && acknowledgedAt < askedAt - staleness.before - CLOCKS_MS)
    broken.push('what was revoked before the time that was vouched for is not accepted')
  // It may have become fresh while it was asked.
  if (Math.min(staleness.before, staleness.after) > boundMs)
    broken.push('nothing is accepted by what is staler than the bound')
  if (hadRefused) broken.push('what was refused as revoked is not accepted again')
  return broken
}

/** A broken promise, with all that is needed to have it again. */
export interface Broken extends Omit<KnownToken, 'text'>, Saying {
  readonly promised: Promised
  readonly seed: number
  readonly round: number
  readonly verifier: string
  /** The `jti`. */
  readonly token: string
}

/** A token in a report, which need not tell the token itself. */
export const named = ({ text, sentAt, acknowledgedAt }: KnownToken) => ({
  token: String(decodeJwt(text).jti),
  sentAt,
  acknowledgedAt,
})

export type Verdicts = Partial<Record<Verdict, number>>

/** A verifier that is asked, and held to its promises. */
export interface Witness {
  readonly name: string
  readonly verifier: Verifier
  /** How often it gave each verdict. */
  readonly verdicts: Verdicts
  ask(token: KnownToken): Promise<Verdict>
  /** As {@link Witness.ask}, until it is a verdict. */
  verdictOn(token: KnownToken): Promise<Verdict>
  /** From where it was vouched to it last that it knows everything. */
  source(): string | undefined
  /** Resolves when it was vouched to it that it was told everything of before a moment. */
  knowsAllBefore(moment: number): Promise<void>
}

/** Holds verifiers to what they promise about revocations. */
export interface RevocationOracle {
  /** So that reports say when. */
  round: number
  /** The first few, which are the ones to look at. */
  readonly broken: Broken[]
  /** How often each verdict was given, by whomever. */
  readonly verdicts: Verdicts
  witness(name: string, verifier: Verifier): Witness
}

const REPORTED = 20

/** An oracle for one run. @param boundMs the staleness from which on nothing may be accepted. */
export function revocationOracle({ seed, boundMs = 15_000 }: { seed: number; boundMs?: number }): RevocationOracle {
  const oracle: RevocationOracle = { round: 0, broken: [], verdicts: {}, witness }
  const reported = new Set<string>()

  function judge(verifier: string, token: KnownToken, saying: Saying): void {
    for (const promised of brokenBy(token, saying, boundMs)) {
      // A verifier that breaks a promise about a token does so on every request.
      const what = `${promised}: ${verifier}, ${token.text}`
      if (reported.has(what) || reported.size === REPORTED) continue
      reported.add(what)
      oracle.broken.push({ promised, seed, round: oracle.round, verifier, ...named(token), ...saying })
    }
  }

  function witness(name: string, verifier: Verifier): Witness {
    const refused = new Set<string>()
    const verdicts: Verdicts = {}
    const feed = () => verifier.health().issuers[0]?.revocations
    const stalenessMs = () => feed()?.stalenessMs ?? Number.POSITIVE_INFINITY

    async function ask(token: KnownToken): Promise<Verdict> {
      const hadRefused = refused.has(token.text)
      const askedAt = performance.now()
      const before = stalenessMs()
      const verdict = await verdictOf(verifier, token.text)
      if (verdict === 'token_revoked') refused.add(token.text)
      for (const counts of [verdicts, oracle.verdicts]) counts[verdict] = (counts[verdict] ?? 0) + 1
      judge(name, token, { askedAt, staleness: { before, after: stalenessMs() }, verdict, hadRefused })
      return verdict
    }

    return {
      name,
      verifier,
      verdicts,
      source: () => feed()?.source,
      ask,
      async verdictOn(token) {
        for (;;) {
          const verdict = await ask(token)
          if (!UNAVAILABLE.includes(verdict)) return verdict
          await pause(20)
        }
      },
      async knowsAllBefore(moment) {
        while (!(performance.now() - stalenessMs() > moment + CLOCKS_MS)) await pause(20)
      },
    }
  }

  return oracle
}

async function verdictOf(verifier: Verifier, text: string): Promise<Verdict> {
  try {
    await verifier.verify(text)
    return 'accepted'
  } catch (error) {
    if (error instanceof VerifierError) return error.code
    throw error
  }
}

/** What is wrong once a verifier knows everything: each acknowledged revocation is refused, each unrevoked token accepted. */
export async function wrongVerdicts(witness: Witness, tokens: readonly KnownToken[]): Promise<readonly string[]> {
  const wrong: string[] = []
  for (const token of tokens) {
    const verdict = await witness.verdictOn(token)
    const isRight =
      token.sentAt === undefined
        ? verdict === 'accepted'
        : verdict === 'token_revoked' || (token.acknowledgedAt === undefined && verdict === 'accepted')
    if (!isRight) wrong.push(`${witness.name}: ${verdict} for ${JSON.stringify(named(token))}`)
  }
  return wrong
}
