/** What keeps one sender from taking what is there for all. */
export * from './bounded-cache.ts'
export * from './budgets.ts'
export * from './fair-queue.ts'
export * from './known-places.ts'
export * from './network-lanes.ts'
export * from './source-lane.ts'
