/** Milliseconds between two heartbeats of an issuer. */
export const HEARTBEAT_EVERY_MS = 1_000

/** Milliseconds without a sign of life after which a reader gives up a connection, by default. */
export const SILENCE_MS = 3_000

/** Milliseconds without a fresh heartbeat from the primary source after which a reader also reads the fallback, by default. */
export const FAILOVER_AFTER_MS = 5_000

/** Milliseconds of staleness up to which a reader is ready, by default. */
export const MAX_STALENESS_MS = 15_000

/**
 * Milliseconds within which an issuer answers a reader that asks for a position, also with a refusal. Well below the time that a
 * reader waits: one that gives up before it is refused would ask for the same position for ever.
 */
export const ANSWERED_WITHIN_MS = SILENCE_MS / 3
