/** Secrets and public keys that clients and resource servers authenticate with. */
export { hashSecret, matches, newSecret, sha256 } from './hash-secret.ts'
export { refuseUselessKeys } from './refuse-useless-keys.ts'
export { Secret } from './secret.ts'
export { isLiveSecret, withoutSecret, withSecret } from './secrets.decider.ts'
export { ASSERTION_ALGS, flawOf, verifiesBy } from './usable-keys.ts'
