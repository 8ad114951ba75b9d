import { sha256, type SignatureAlgorithm } from '@ledgate/jws'
import { VerifierError, type VerifierErrorCode } from '../error/index.ts'
import { signatureAlgorithms, DEFAULT_ALGORITHMS } from '../key/index.ts'
import type { DpopPolicy, ProofChecker, ProofRequest } from '../proof-of-possession/index.ts'
import { normalHtu } from '../url/index.ts'
import type { NonceIssuer } from './nonce.ts'
import { openProof, type Proof, InvalidProof } from './proof.ts'
import { memoryReplayStore, type ReplayStore } from './replay.ts'

export interface DpopOptions {
  /** Default: `allow`, which accepts bearer tokens, too; `require` does not. */
  readonly policy?: DpopPolicy
  /** The algorithms of proofs. Default: ES256, EdDSA and RS256. */
  readonly algorithms?: readonly (SignatureAlgorithm | 'Ed25519')[]
  /** Seconds after which a proof is too old. Default: 30. */
  readonly maxAgeSeconds?: number
  /** Seconds by which the clock of a client may be ahead. Default: 5. */
  readonly clockToleranceSeconds?: number
  /** Stores which proofs were used. Default: a store in the memory of this process. */
  readonly replays?: ReplayStore
  /** Requires a nonce in every proof. The age of a proof is then that of its nonce, whatever the clock of the client (RFC 9449 §9). */
  readonly nonces?: NonceIssuer
  /** Milliseconds since the epoch. */
  readonly now?: () => number
}

const DEFAULT_MAX_AGE_SECONDS = 30
const DEFAULT_TOLERANCE_SECONDS = 5
/** No client needs an hour to send a request, and a replay store must keep proofs that long. */
const LONGEST_SECONDS = 3_600

/** @throws {TypeError} for a duration with which proofs were valid for ever, or never. */
function requireSeconds(value: number, what: string): void {
  if (!(value >= 0 && value <= LONGEST_SECONDS)) throw new TypeError(`${what} must be from 0 to ${LONGEST_SECONDS}`)
}

/** The `ath` of a proof, which binds it to an access token: RFC 9449 §4.2. */
const accessTokenHash = (accessToken: string) => sha256(accessToken)

/** Checks 8, 9, 11 and 12 of RFC 9449 §4.3: requires that a proof is for this request, token and key. */
function requireMatch(proof: Proof, request: ProofRequest): void {
  if (proof.htm !== request.method) throw new InvalidProof('it is for another method')
  const url = normalHtu(request.url)
  if (url === undefined || normalHtu(proof.htu) !== url) throw new InvalidProof('it is for another URL')
  if (proof.ath !== accessTokenHash(request.accessToken)) throw new InvalidProof('it is for another access token')
  if (proof.jkt !== request.jkt) throw new InvalidProof('it is signed with another key')
}

/**
 * Creates a checker of DPoP proofs: the client that presents a DPoP-bound token must hold its key, and no proof is accepted twice.
 * RFC 9449 §4.3 and §7.
 *
 * @throws {TypeError} for an algorithm without public keys, and for an invalid duration.
 * @example
 * ```ts
 * import { createVerifier } from '@ledgate/verifier'
 * import { dpop } from '@ledgate/verifier/dpop'
 *
 * export const verifier = createVerifier({
 *   issuer: 'https://id.example',
 *   audience: 'https://api.example',
 *   revocations: false,
 *   dpop: dpop({ policy: 'require' }),
 * })
 * ```
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
  const algorithms = signatureAlgorithms(options.algorithms ?? DEFAULT_ALGORITHMS)
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

  /** When a proof expires, in whole seconds since the epoch. RFC 9449 §4.3, checks 10 and 11. */
  function expiryOf({ iat, nonce }: Proof): number {
    if (nonces) {
      const expiry = nonce === undefined ? undefined : nonces.expiryOf(nonce)
      if (expiry === undefined)
        throw refusal('use_dpop_nonce', { detail: 'it has no nonce, or one that is not valid now' })
      return expiry
    }
    const seconds = now() / 1000
    if (iat > seconds + clockToleranceSeconds) throw new InvalidProof('its iat is in the future')
    if (iat < seconds - maxAgeSeconds) throw new InvalidProof('it is too old')
    return Math.ceil(iat + maxAgeSeconds)
  }

  /** The last check, so that only clients with a token and its key can fill the store. */
  async function requireFirstUse({ jkt, jti }: Proof, expiresAt: number): Promise<void> {
    const seen = sha256(`${jkt}\n${jti}`)
    const [isNew, isForgotten] = await Promise.resolve()
      .then(async () => {
        const added = await replays.add(seen, expiresAt, jkt)
        return [added, !added && (await replays.forgot?.(expiresAt, jkt))] as const
      })
      .catch((cause: unknown) => {
        throw new VerifierError('verifier_not_ready', { detail: 'the replay store failed', cause })
      })
    if (isNew) return
    // Whether it was used is unknown: it is refused, and the client gets a nonce for one that is accepted.
    if (isForgotten === true && nonces !== undefined)
      throw refusal('use_dpop_nonce', { detail: 'the replay store is full' }, nonces.fresh?.() ?? nonces.current())
    throw new InvalidProof(isForgotten === true ? 'the replay store is full' : 'it was used before')
  }

  return {
    policy,
    algorithms,
    async check(request) {
      try {
        if (request.proof === undefined) throw new InvalidProof('it is missing, or there are several')
        const proof = await openProof(request.proof, algorithms)
        requireMatch(proof, request)
        await requireFirstUse(proof, expiryOf(proof))
      } catch (error) {
        if (!(error instanceof InvalidProof)) throw error
        throw refusal('invalid_dpop_proof', { detail: `DPoP proof: ${error.message}`, cause: error.cause })
      }
    },
  }
}
