import type { Decider } from '@ledgate/eventsourcing'
import type { TokenCapEvent } from './events.ts'

/** Raises the cap to as many seconds; a lower one changes nothing. */
export interface RaiseTokenCap {
  readonly type: 'Raise'
  readonly seconds: number
}

/** The highest cap that was ever in force, in seconds; `undefined` where none is recorded. */
export const tokenCap: Decider<number | undefined, RaiseTokenCap, TokenCapEvent> = {
  initialState: undefined,

  decide: ({ seconds }, highest) =>
    highest === undefined || seconds > highest ? [{ type: 'TokenCapRaised', data: { seconds } }] : [],

  evolve: (_highest, { data }) => data.seconds,
}
