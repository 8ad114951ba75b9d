import type { Decider, Position } from '@ledgate/eventsourcing'
import type { AnyEvent } from './codec.ts'
import type { CommandContext } from './envelope.ts'
import type { EventLog } from './event-log.ts'
import { untilSettled } from './retry.ts'
import type { StreamName } from './stream.ts'

/** The state of a stream at its end, and what an append that is decided by it has to expect. */
export interface ReadState<State> {
  readonly state: State
  readonly expected: bigint | 'noStream'
}

/** One stream, and the rules of what is appended to it. */
export interface Handled<State, Command, Event extends AnyEvent> {
  readonly stream: StreamName<Event>
  readonly decider: Decider<State, Command, Event>
  /** How many events at the end of the stream are read: one of them carries the whole state. Default: 1. */
  readonly lookBack?: number
}

export interface HandleOptions<State> {
  readonly context: CommandContext
  /** The data key of the user whom the events are about, by the state that decides. */
  readonly dataKeyOf?: (state: State) => string | undefined
  /** The state as it was read just now: it is read again only after a conflict. */
  readonly known?: ReadState<State>
}

/** What a command came to. */
export interface Outcome<State> {
  /** The state that decided. */
  readonly before: State
  /** The state after it. */
  readonly state: State
  /** Where its last event stands; `undefined` when it led to none. */
  readonly position: Position | undefined
}

/** Reads the end of a stream; never older than the call. */
export async function readState<State, Command, Event extends AnyEvent>(
  log: Pick<EventLog, 'last'>,
  { stream, decider, lookBack = 1 }: Handled<State, Command, Event>,
): Promise<ReadState<State>> {
  const events = await log.last(stream, lookBack)
  return {
    state: events.toReversed().reduce<State>(decider.evolve, decider.initialState),
    expected: events[0]?.revision ?? 'noStream',
  }
}

/**
 * Reads the end of a stream, decides and appends; again when another command was first.
 *
 * @param command makes the command from the state that decides; `undefined` when there is nothing to do.
 * @throws whatever the decider throws; {Conflict} when others were first every time; {Unavailable | UnknownOutcome}.
 */
export function handle<State, Command, Event extends AnyEvent>(
  log: EventLog,
  handled: Handled<State, Command, Event>,
  command: (state: State) => Command | undefined | Promise<Command | undefined>,
  { context, dataKeyOf = () => undefined, known }: HandleOptions<State>,
): Promise<Outcome<State>> {
  const { stream, decider } = handled
  return untilSettled(async (race) => {
    const { state: before, expected } = race === 0 && known !== undefined ? known : await readState(log, handled)
    const decided = await command(before)
    const events = decided === undefined ? [] : decider.decide(decided, before)
    if (events.length === 0) return { before, state: before, position: undefined }
    const { position } = await log.append(stream, events, { expected, context, dataKey: dataKeyOf(before) })
    return { before, state: events.reduce<State>(decider.evolve, before), position }
  })
}
