import { hash } from 'node:crypto'
import { VerifierError, type VerifierErrorCode } from '../error/index.ts'
import { signatureAlgorithms, USUAL_ALGORITHMS } from '../key/index.ts'
import type { SignatureAlgorithm } from '@ledgate/jws'
import type { DpopPolicy, ProofChecker, ProofRequest } from '../proof-of-possession/index.ts'
import { normalHtu } from '../url/index.ts'
import type { NonceIssuer } from './nonce.ts'
import { openProof, type Proof, ProofFault } from './proof.ts'
import { memoryReplayStore, type ReplayStore } from './replay.ts'

export interface DpopOptions {
  /** `allow`, unless told, takes Bearer tokens too; `require` does not. */
  readonly policy?: DpopPolicy
  /** By which algorithms proofs may be signed; ES256, EdDSA and RS256 unless told. */
  readonly algorithms?: readonly (SignatureAlgorithm | 'Ed25519')[]
  /** How old a proof may be, in seconds; 30 unless told. */
  readonly maxAgeSeconds?: number
  /** How far the clock of a client may be ahead, in seconds; 5 unless told. */
  readonly clockToleranceSeconds?: number
  /** Remembers which proofs were seen; that of this process unless told. */
  readonly replays?: ReplayStore
  /** Asks for a nonce in every proof. Then the nonce says how old a proof is, whatever the clock of the client (RFC 9449 §9). */
  readonly nonces?: NonceIssuer
  /** Milliseconds since the epoch. */
  readonly now?: () => number
}

const DEFAULT_MAX_AGE_SECONDS = 30
const DEFAULT_TOLERANCE_SECONDS = 5
/** Nobody needs an hour to send a request; and so long a replay store has to remember. */
const LONGEST_SECONDS = 3_600

/** @throws {TypeError} for a time that would make proofs good for ever, or never. */
function requireSeconds(value: number, what: string): void {
  if (!(value >= 0 && value <= LONGEST_SECONDS)) throw new TypeError(`${what} must be from 0 to ${LONGEST_SECONDS}`)
}

/** What binds a proof to an access token: RFC 9449 §4.2, `ath`. */
const accessTokenHash = (accessToken: string) => hash('sha256', accessToken, 'base64url')

/** Checks 8, 9, 11 and 12 of RFC 9449 §4.3: that a proof was made for this request, token and key. */
function requireFit(proof: Proof, request: ProofRequest): void {
  if (proof.htm !== request.method) throw new ProofFault('made for another method')
  const url = normalHtu(request.url)
  if (url === undefined || normalHtu(proof.htu) !== url) throw new ProofFault('made for another URL')
  if (proof.ath !== accessTokenHash(request.accessToken)) throw new ProofFault('made for another access token')
  if (proof.jkt !== request.jkt) throw new ProofFault('made with another key')
}

/**
 * Checks that whoever presents a DPoP-bound token holds its key, and that no proof is used twice. RFC 9449 §4.3 and §7.
 *
 * @throws {TypeError} for an algorithm that a stranger's key must not be used with, and a time that cannot be meant.
 */
export function dpop(options: DpopOptions = {}): ProofChecker {
  const {
    policy = 'allow',
    maxAgeSeconds = DEFAULT_MAX_AGE_SECONDS,
    clockToleranceSeconds = DEFAULT_TOLERANCE_SECONDS,
    now = Date.now,
    replays = memoryReplayStore({ now }),
    nonces,
  } = options
  const algorithms = signatureAlgorithms(options.algorithms ?? USUAL_ALGORITHMS)
  requireSeconds(maxAgeSeconds, 'maxAgeSeconds')
  requireSeconds(clockToleranceSeconds, 'clockToleranceSeconds')

  function refusal(
    code: VerifierErrorCode,
    why: { readonly detail: string; readonly cause?: unknown },
    nonce: string | undefined = nonces?.current(),
  ): VerifierError {
    const headers = nonce === undefined ? undefined : { 'DPoP-Nonce': nonce }
    return new VerifierError(code, { ...why, scheme: 'DPoP', ...(headers && { headers }) })
  }

  /** Until when a proof is good, in whole seconds since the epoch. RFC 9449 §4.3, checks 10 and 11. */
  function expiryOf({ iat, nonce }: Proof): number {
    if (nonces) {
      const expiry = nonce === undefined ? undefined : nonces.expiryOf(nonce)
      if (expiry === undefined) throw refusal('use_dpop_nonce', { detail: 'no nonce, or one that is not good now' })
      return expiry
    }
    const seconds = now() / 1000
    if (iat > seconds + clockToleranceSeconds) throw new ProofFault('made in the future')
    if (iat < seconds - maxAgeSeconds) throw new ProofFault('too old')
    return Math.ceil(iat + maxAgeSeconds)
  }

  /** Last of all, so that only somebody with a token and its key can fill the store. */
  async function requireFirstUse({ jkt, jti }: Proof, expiresAt: number): Promise<void> {
    const seen = hash('sha256', `${jkt}\n${jti}`, 'base64url')
    const [isNew, isForgotten] = await Promise.resolve()
      .then(async () => {
        const added = await replays.add(seen, expiresAt, jkt)
        return [added, !added && (await replays.forgot?.(expiresAt, jkt))] as const
      })
      .catch((cause: unknown) => {
        throw new VerifierError('verifier_not_ready', { detail: 'the replay store does not answer', cause })
      })
    if (isNew) return
    // Whether it was used nobody knows: it is not taken, and its client is told how to make one that is.
    if (isForgotten === true && nonces !== undefined)
      throw refusal('use_dpop_nonce', { detail: 'too many proofs to remember' }, nonces.fresh?.() ?? nonces.current())
    throw new ProofFault(isForgotten === true ? 'too many to remember' : 'used before')
  }

  return {
    policy,
    algorithms,
    async check(request) {
      try {
        if (request.proof === undefined) throw new ProofFault('missing, or more than one')
        const proof = await openProof(request.proof, algorithms)
        requireFit(proof, request)
        await requireFirstUse(proof, expiryOf(proof))
      } catch (error) {
        if (!(error instanceof ProofFault)) throw error
        throw refusal('invalid_dpop_proof', { detail: `DPoP proof: ${error.message}`, cause: error.cause })
      }
    },
  }
}
