import { inMemoryEventStore } from '../in-memory-event-store.ts'
import { type Position, START } from '../position.ts'

const { parsePosition } = inMemoryEventStore()

/** The position of the n-th event of an in-memory store, whether it has one or not; `START` for 0. */
export const nthPosition = (n: number): Position => (n === 0 ? START : parsePosition(String(n).padStart(20, '0')))
