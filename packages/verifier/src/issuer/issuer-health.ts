import type { FeedHealth } from '@ledgate/revocation'
import type { KeysHealth } from '../key/index.ts'

export interface IssuerHealth {
  readonly issuer: string
  /** Whether its key set is there and not too old, and its feed is caught up with and fresh. */
  readonly isReady: boolean
  readonly keys: KeysHealth
  /** Absent where revocations are `false`. */
  readonly revocations?: FeedHealth
}
