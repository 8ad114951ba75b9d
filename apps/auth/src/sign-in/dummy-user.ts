/**
 * Somebody who is not there, read first for everybody and again where there is nobody: known people are in memory, and
 * the way to the disk, cold after a hash that filled the processor's caches, would tell who is not.
 */
export const NOBODY = `u_${'0'.repeat(32)}`
