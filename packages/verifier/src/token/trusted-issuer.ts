import type { IssuerFeed } from '../feed/index.ts'
import type { KeyCache } from '../key/index.ts'

/** An issuer at work: its rules, its keys, and its revocations. */
export interface TrustedIssuer {
  readonly name: string
  readonly audience: ReadonlySet<string>
  readonly unknownKidWaitMs: number
  readonly keys: KeyCache
  /** `undefined` if its tokens are valid until they expire. */
  readonly feed: IssuerFeed | undefined
}
