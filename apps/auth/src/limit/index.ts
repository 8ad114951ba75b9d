/** Building blocks of limits: none of them lets one sender use up what is there for all. */
export { boundedCache, type BoundedCache, bytesOfText } from './bounded-cache.ts'
export { budgets } from './budgets.ts'
export { fairQueue } from './fair-queue.ts'
export { knownPlaces, PLACES } from './known-places.ts'
export { networkLanes } from './network-lanes.ts'
export { type Delays, sourceLane, type SourceLane } from './source-lane.ts'
