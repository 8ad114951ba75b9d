/** Clients, resource servers and users of a file, which exist from the first start on. */
export { openAppliedEntries, userEntry } from './applied.ts'
export { appliedBefore, applyBootstrap } from './apply.ts'
export { readBootstrap } from './file.ts'
