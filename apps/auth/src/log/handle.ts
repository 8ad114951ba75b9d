import type { Decider, Position } from '@ledgate/eventsourcing'
import type { AnyEvent } from './codec.ts'
import type { CommandContext } from './envelope.ts'
import type { EventLog } from './event-log.ts'
import { retryOnConflict } from './retry-on-conflict.ts'
import { serializeByKey, type SerializeByKey } from './serialize-by-key.ts'
import type { StreamName } from './stream.ts'

/** The state of a stream at its end, and what an append that is decided by it has to expect. */
export interface ReadState<State> {
  readonly state: State
  readonly expected: bigint | 'noStream'
}

/** What a command is made from. */
export interface Found<State> extends ReadState<State> {
  /** How often another writer was first. */
  readonly race: number
}

/** One stream, and the rules of what is appended to it. */
export interface Handled<State, Command, Event extends AnyEvent> {
  readonly stream: StreamName<Event>
  readonly decider: Decider<State, Command, Event>
  /** How many events at the end of the stream are read: one of them carries the whole state. Default: 1. */
  readonly lookBack?: number
  /** Whether commands of this process wait for one another, for streams that many requests change at once. Default: no. */
  readonly isQueued?: boolean
}

/** A command, and how its events are recorded. */
export interface Asked<Command> {
  readonly command: Command
  /** A function is called once the command is decided, before the append: it takes what the command needs of other streams. */
  readonly context: CommandContext | (() => Promise<CommandContext>)
  /** The data key of the user whom the events are about. */
  readonly dataKey?: string | undefined
}

/** What a command came to. */
export interface Outcome<State, Made> {
  /** The state that decided. */
  readonly before: State
  /** The state after it. */
  readonly state: State
  /** What was asked by that state; `undefined` when there was nothing to do. */
  readonly asked: Made | undefined
  /** The position of its last event; `undefined` when it led to none. */
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

const queues = new WeakMap<EventLog, SerializeByKey>()

/** The queues of the streams of one log. */
function queueOf(log: EventLog): SerializeByKey {
  const queue = queues.get(log) ?? serializeByKey()
  queues.set(log, queue)
  return queue
}

/**
 * Runs a command on one stream: reads its end, decides and appends; again when another writer was first. On a queued stream it
 * first waits for the commands of this process that came before.
 *
 * @param ask makes the command from what was read; `undefined` when there is nothing to do. On a queued
 * stream it must not run another command on it.
 * @param known the state as it was read just now: it is read again only after a conflict.
 * @throws whatever the decider throws; {Conflict} when others were first every time; {Unavailable | UnknownOutcome}.
 */
export function handle<State, Command, Event extends AnyEvent, Made extends Asked<Command>>(
  log: EventLog,
  handled: Handled<State, Command, Event>,
  ask: (found: Found<State>) => Made | undefined | Promise<Made | undefined>,
  known?: ReadState<State>,
): Promise<Outcome<State, Made>> {
  const { stream, decider, isQueued = false } = handled

  async function attempt(race: number): Promise<Outcome<State, Made>> {
    const { state: before, expected } = race === 0 && known !== undefined ? known : await readState(log, handled)
    const asked = await ask({ state: before, expected, race })
    const events = asked === undefined ? [] : decider.decide(asked.command, before)
    if (asked === undefined || events.length === 0) return { before, state: before, asked, position: undefined }
    const context = typeof asked.context === 'function' ? await asked.context() : asked.context
    const { position } = await log.append(stream, events, { expected, context, dataKey: asked.dataKey })
    return { before, state: events.reduce<State>(decider.evolve, before), asked, position }
  }

  const run = () => retryOnConflict(attempt)
  return isQueued ? queueOf(log)(stream, run) : run()
}
