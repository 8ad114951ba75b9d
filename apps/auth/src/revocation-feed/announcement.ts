import type { Position } from '@ledgate/eventsourcing'
import type { Publication } from '@ledgate/revocation'

/** What the feed of this process tells: its place is one of the log. */
export interface Told extends Publication {
  readonly position: Position
}
