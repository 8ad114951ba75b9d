import { setTimeout as pause } from 'node:timers/promises'
import { DEFAULT_ANSWER_LIMITS } from '../config/index.ts'

/** Answers so that the time does not tell what was done. */
export type EvenAnswers = <Result>(work: () => Promise<Result>) => Promise<Result>

/**
 * Answers at the next whole step after the question, whatever was done until then and whether it failed: an address without
 * an account costs nothing, and no one can tell. Work that takes longer waits for the step after.
 */
export function createEvenAnswers(
  stepMs = DEFAULT_ANSWER_LIMITS.stepMs,
  wait: (ms: number) => Promise<unknown> = pause,
): EvenAnswers {
  return async (work) => {
    const start = performance.now()
    try {
      return await work()
    } finally {
      const spent = performance.now() - start
      await wait((Math.floor(spent / stepMs) + 1) * stepMs - spent)
    }
  }
}
