/**
 * The rules of one aggregate, as pure functions: `decide` says which events a command leads to (or throws why not),
 * `evolve` says what one event makes of the state. Time, ids and hashes come in with the command.
 */
export interface Decider<State, Command, Event> {
  readonly initialState: State
  decide(command: Command, state: State): readonly Event[]
  evolve(state: State, event: Event): State
}
