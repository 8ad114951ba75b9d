import { expect } from 'vitest'
import type { Decider } from '../decider.ts'

/** A decider's behaviour in three steps: what happened before, what is asked, what comes of it. */
export interface Specification<Command, Event> {
  given(...history: readonly Event[]): { when(command: Command): Outcome<Event> }
}

/** What comes of a command. Each of these is an assertion. */
export interface Outcome<Event> {
  then(...events: readonly Event[]): void
  thenThrows(error: ErrorClass, message?: string | RegExp): void
  /** The command is accepted and there is nothing to do. */
  thenNothing(): void
}

type ErrorClass = abstract new (...args: never[]) => Error

/**
 * Given/when/then for a decider.
 *
 * @example
 * specify(account).given(registered).when({ type: 'Disable' }).then({ type: 'Disabled', data: {} })
 */
export function specify<State, Command, Event>(decider: Decider<State, Command, Event>): Specification<Command, Event> {
  return {
    given: (...history) => ({
      when(command) {
        const state = history.reduce((before, event) => decider.evolve(before, event), decider.initialState)
        const decide = () => decider.decide(command, state)
        return {
          then: (...events) => expect(decide()).toEqual(events),
          thenNothing: () => expect(decide()).toEqual([]),
          thenThrows(error, message) {
            expect(decide).toThrow(error)
            if (message !== undefined) expect(decide).toThrow(message)
          },
        }
      },
    }),
  }
}
