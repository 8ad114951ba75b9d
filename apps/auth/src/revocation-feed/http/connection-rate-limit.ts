import { TooManyRequests } from '@ledgate/oauth'
import { createBoundedCache } from '../../limit/index.ts'
import { DEFAULT_OPENING_LIMITS, type OpeningLimits } from '../../config/index.ts'

export interface ConnectionRateLimitOptions extends OpeningLimits {
  /** Milliseconds, of a clock that only moves forwards. */
  now(): number
}

const DEFAULTS: ConnectionRateLimitOptions = { ...DEFAULT_OPENING_LIMITS, now: () => performance.now() }
const KEPT_BYTES = 4 * 1024 * 1024
/** Of two numbers. */
const BUCKET_BYTES = 48

/**
 * Bounds how often one resource server begins to read: a reader that fails and comes back without a pause does not keep the
 * server busy.
 *
 * @returns takes note of an opening. @throws {TooManyRequests} when there were too many.
 */
export function createConnectionRateLimit(
  options: Partial<ConnectionRateLimitOptions> = {},
): (clientId: string) => void {
  const { burst, perSecond, now } = { ...DEFAULTS, ...options }
  const buckets = createBoundedCache<{ left: number; at: number }>({
    maxBytes: KEPT_BYTES,
    bytesOf: () => BUCKET_BYTES,
  })
  return (clientId) => {
    const time = now()
    const bucket = buckets.get(clientId) ?? { left: burst, at: time }
    const left = Math.min(burst, bucket.left + ((time - bucket.at) / 1000) * perSecond)
    if (left < 1)
      throw new TooManyRequests('the resource server opens connections to the feed too often', {
        retryAfter: Math.ceil((1 - left) / perSecond),
      })
    buckets.set(clientId, { left: left - 1, at: time })
  }
}
