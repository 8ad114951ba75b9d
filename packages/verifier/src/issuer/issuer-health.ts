import type { FeedHealth } from '@ledgate/revocation'
import type { KeysHealth } from '../key/index.ts'

export interface IssuerHealth {
  readonly issuer: string
  /** Whether its key set is present and not too old, and its feed has caught up and is fresh. */
  readonly isReady: boolean
  readonly keys: KeysHealth
  /** Absent if `revocations` is `false`. */
  readonly revocations?: FeedHealth
}
