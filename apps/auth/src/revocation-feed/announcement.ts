import type { Position } from '@ledgate/eventsourcing'
import type { Publication } from '@ledgate/revocation'

/** What the feed of this process tells: its place is one of the log. */
export interface Announcement extends Publication {
  readonly position: Position
}
