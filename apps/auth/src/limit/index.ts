/** Building blocks of limits: none of them lets one sender use up what is there for all. */
export { type BoundedCache, bytesOfText, createBoundedCache } from './bounded-cache.ts'
export { createBudgets } from './budgets.ts'
export { createFairQueue } from './fair-queue.ts'
export { createKnownPlaces, PLACES } from './known-places.ts'
export { createNetworkLanes } from './network-lanes.ts'
export { createSourceLane, type Delays, type SourceLane } from './source-lane.ts'
