import type { IssuerFeed } from '../feed/index.ts'
import type { KeyCache } from '../key/index.ts'

/** An issuer as it is at work: its rules, its keys, and what it has revoked. */
export interface TrustedIssuer {
  readonly name: string
  readonly audience: ReadonlySet<string>
  readonly unknownKidWaitMs: number
  readonly keys: KeyCache
  /** `undefined` where its tokens are good until they expire. */
  readonly feed: IssuerFeed | undefined
}
