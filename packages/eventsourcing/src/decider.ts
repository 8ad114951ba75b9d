/**
 * The rules of one aggregate, as pure functions: `decide` returns the events that a command results in, or throws the reason
 * for its refusal; `evolve` applies one event to the state. Time, ids and hashes are parts of the command.
 */
export interface Decider<State, Command, Event> {
  readonly initialState: State
  decide(command: Command, state: State): readonly Event[]
  evolve(state: State, event: Event): State
}
