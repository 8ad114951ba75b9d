import { LEDGATE_ALGORITHMS } from '@ledgate/jws'

/** `typ` of notices and heartbeats: RFC 8417 §2.3. */
export const SET_TYPE = 'secevent+jwt'
/** `typ` of a part of a snapshot. */
export const SNAPSHOT_TYPE = 'revocation-snapshot+jwt'

/** The algorithms that statements of a feed are signed with, whatever tokens are signed with: docs/revocation-notices.md. */
export const FEED_ALGORITHMS = LEDGATE_ALGORITHMS

/** Characters that a compact JWS of each type may have; a longer one is rejected before it is decoded. */
export const MAX_LENGTH: ReadonlyMap<string, number> = new Map([
  [SET_TYPE, 64 * 1024],
  [SNAPSHOT_TYPE, 4 * 1024 * 1024],
])
