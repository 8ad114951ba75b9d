/** Milliseconds between two heartbeats of an issuer. */
export const HEARTBEAT_EVERY_MS = 1_000

/** Milliseconds without a sign of life after which a reader gives up a connection; unless it is told otherwise. */
export const SILENCE_MS = 3_000

/** Milliseconds without a fresh heartbeat of the first source after which a reader turns to the second as well; unless it is told otherwise. */
export const FAILOVER_AFTER_MS = 5_000

/** Milliseconds of staleness up to which a reader is ready; unless it is told otherwise. */
export const MAX_STALENESS_MS = 15_000

/**
 * Milliseconds within which an issuer answers a reader that asks for a position, also with a refusal. Well below what a reader
 * waits: one that gives up before it is refused asks for the same position again, for ever.
 */
export const ANSWERED_WITHIN_MS = SILENCE_MS / 3
