/** Milliseconds without a sign of life after which a reader gives up a connection; unless it is told otherwise. */
export const SILENCE_MS = 3_000

/**
 * Milliseconds within which an issuer answers a reader that asks for a position, also with a refusal. Well below what a reader
 * waits: one that gives up before it is refused asks for the same position again, for ever.
 */
export const ANSWERED_WITHIN_MS = SILENCE_MS / 3
