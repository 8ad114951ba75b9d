import type { Decider } from '@ledgate/eventsourcing'
import type { EventOf } from '../log/index.ts'
import type { placeEvents } from './events.ts'

type PlaceEvent = EventOf<(typeof placeEvents)[number]>
export type SealedPlaces = PlaceEvent['data']['places']

/** Records the places where a user has signed in. */
export interface RecordPlaces {
  readonly type: 'RecordPlaces'
  readonly places: SealedPlaces
}

/** The places of a user, sealed; `undefined` before the first sign-in. */
export const placesOfUser: Decider<SealedPlaces | undefined, RecordPlaces, PlaceEvent> = {
  initialState: undefined,
  decide: ({ places }) => [{ type: 'PlacesSeen', data: { places } }],
  evolve: (_before, { data }) => data.places,
}
