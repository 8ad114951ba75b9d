import {
  type Checkpoints,
  InvalidPosition,
  keptPosition,
  type Position,
  type PositionParser,
  START,
} from '@ledgate/eventsourcing'

/**
 * Where the work with this name goes on: at its checkpoint, or at the start of the log when that names no place of this
 * store (it was damaged, or is that of another kind of store). All such work is safe to repeat.
 */
export async function resume(store: PositionParser, checkpoints: Checkpoints, name: string): Promise<Position> {
  const kept = await checkpoints.load(name)
  try {
    return keptPosition(store, kept)
  } catch (error) {
    if (error instanceof InvalidPosition) return START
    throw error
  }
}
