import { hmacSha256, isSameSecret } from '@ledgate/jws'

/** Issues nonces for DPoP proofs and recognizes them. RFC 9449 §9. */
export interface NonceIssuer {
  /** The nonce for a new proof. */
  current(): string
  /**
   * A nonce of the current second, which expires later than all that were issued before: for a client whose proof can no longer be
   * distinguished from a used one. Without this method such a client waits for the next nonce.
   */
  fresh?(): string
  /** When a nonce expires, in whole seconds since the epoch; `undefined` if it was not issued here or is not valid now. */
  expiryOf(nonce: string): number | undefined
}

export interface NonceIssuerOptions {
  /** At least 32 bytes, the same in all processes that accept each other's nonces. Default: random. */
  readonly secret?: Uint8Array
  /** Seconds after which the nonce changes; the previous one stays valid for as long. Default: 120. */
  readonly rotateSeconds?: number
  /** Milliseconds since the epoch. */
  readonly now?: () => number
}

const DEFAULT_ROTATE_SECONDS = 120
const MIN_SECRET_BYTES = 32
/** A fresh nonce: its second, and the MAC that proves it. */
const FRESH = /^[0-9a-z]{1,10}~[\w-]{22}$/

/**
 * Creates nonces from a secret and the time: nothing is stored, and any number of processes may share them.
 *
 * @example
 * ```ts
 * import { dpop, nonceIssuer } from '@ledgate/verifier/dpop'
 *
 * // The same secret in all processes that accept each other's nonces.
 * const secret = Buffer.from(String(process.env['NONCE_SECRET']), 'base64')
 * export const checker = dpop({ nonces: nonceIssuer({ secret }) })
 * ```
 */
export function nonceIssuer(options: NonceIssuerOptions = {}): NonceIssuer {
  const {
    secret = crypto.getRandomValues(new Uint8Array(MIN_SECRET_BYTES)),
    rotateSeconds = DEFAULT_ROTATE_SECONDS,
    now = Date.now,
  } = options
  if (secret.length < MIN_SECRET_BYTES) throw new TypeError(`secret must have at least ${MIN_SECRET_BYTES} bytes`)
  if (!Number.isInteger(rotateSeconds) || rotateSeconds < 1)
    throw new TypeError('rotateSeconds must be an integer of at least 1')

  const period = () => Math.floor(now() / 1000 / rotateSeconds)
  const nonceOf = (at: number | string) => hmacSha256(secret, `dpop nonce ${at}`).slice(0, 22)

  const freshAt = (second: number) => `${second.toString(36)}~${nonceOf(`of second ${second}`)}`

  /** When a fresh nonce expires: a second later than the nonce of its period can. */
  function freshExpiryOf(nonce: string): number | undefined {
    const second = Number.parseInt(nonce, 36)
    const expiry = second + 2 * rotateSeconds + 1
    return isSameSecret(nonce, freshAt(second)) && now() / 1000 < expiry ? expiry : undefined
  }

  return {
    current: () => nonceOf(period()),
    fresh: () => freshAt(Math.floor(now() / 1000)),
    expiryOf(nonce) {
      if (FRESH.test(nonce)) return freshExpiryOf(nonce)
      const at = [period(), period() - 1].find((candidate) => isSameSecret(nonce, nonceOf(candidate)))
      return at === undefined ? undefined : (at + 2) * rotateSeconds
    },
  }
}
