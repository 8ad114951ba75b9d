import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'

/** Gives out nonces for DPoP proofs and knows them again. RFC 9449 §9. */
export interface NonceIssuer {
  /** The nonce that a new proof should carry. */
  current(): string
  /**
   * A nonce of this very second, which ends later than every one that was given out before: for a client whose proof cannot be told from a
   * used one any more. Where there is none, such a client waits for the next nonce.
   */
  fresh?(): string
  /** When this nonce, one of ours, ends or ended: whole seconds since the epoch. `undefined` when it is no nonce of ours that is good now. */
  expiryOf(nonce: string): number | undefined
}

export interface NonceIssuerOptions {
  /** At least 32 bytes, the same for all processes that should know each other's nonces; random unless told. */
  readonly secret?: Uint8Array
  /** Seconds after which there is another nonce; the one before stays good as long. 120 unless told. */
  readonly rotateSeconds?: number
  /** Milliseconds since the epoch. */
  readonly now?: () => number
}

const DEFAULT_ROTATE_SECONDS = 120
const MIN_SECRET_BYTES = 32
/** A second, as such a number is written, and what proves that it is ours. */
const FRESH = /^[0-9a-z]{1,10}~[\w-]{22}$/

function isSame(a: string, b: string): boolean {
  const [one, other] = [Buffer.from(a), Buffer.from(b)]
  return one.length === other.length && timingSafeEqual(one, other)
}

/** Nonces that are derived from a secret and the time, so that nothing is kept and any number of processes may share them. */
export function nonceIssuer(options: NonceIssuerOptions = {}): NonceIssuer {
  const { secret = randomBytes(MIN_SECRET_BYTES), rotateSeconds = DEFAULT_ROTATE_SECONDS, now = Date.now } = options
  if (secret.length < MIN_SECRET_BYTES) throw new TypeError(`the secret of nonces needs ${MIN_SECRET_BYTES} bytes`)
  if (!Number.isInteger(rotateSeconds) || rotateSeconds < 1)
    throw new TypeError('rotateSeconds is a whole number from 1')

  const period = () => Math.floor(now() / 1000 / rotateSeconds)
  const nonceOf = (at: number | string) =>
    createHmac('sha256', secret).update(`dpop nonce ${at}`).digest('base64url').slice(0, 22)

  const freshAt = (second: number) => `${second.toString(36)}~${nonceOf(`of second ${second}`)}`

  /** When a nonce of one second ends: a second later than the one of its period can. */
  function freshExpiryOf(nonce: string): number | undefined {
    const second = Number.parseInt(nonce, 36)
    const expiry = second + 2 * rotateSeconds + 1
    return isSame(nonce, freshAt(second)) && now() / 1000 < expiry ? expiry : undefined
  }

  return {
    current: () => nonceOf(period()),
    fresh: () => freshAt(Math.floor(now() / 1000)),
    expiryOf(nonce) {
      if (FRESH.test(nonce)) return freshExpiryOf(nonce)
      const at = [period(), period() - 1].find((candidate) => isSame(nonce, nonceOf(candidate)))
      return at === undefined ? undefined : (at + 2) * rotateSeconds
    },
  }
}
