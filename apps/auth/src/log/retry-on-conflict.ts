import { Conflict, runDecision } from '@ledgate/eventsourcing'

/**
 * How often a decision is repeated because another writer appended first. Each race lost is one that another request won, so
 * this is about how many requests for one thing, at all replicas together, may come at once: nothing between processes
 * lets the one that has waited longest go first.
 */
const MAX_RACES = 128

/**
 * Reads, decides and appends until no one is in the way: `attempt` is called again after a `Conflict`, and when what it read
 * was not current ({@link runDecision}); it has to read again what it decides by. For commands on one stream there is
 * `handle`.
 *
 * @throws {Conflict} when others were first every time.
 */
export async function retryOnConflict<Result>(attempt: (race: number) => Promise<Result>): Promise<Result> {
  for (let race = 0; ; race += 1) {
    try {
      return await runDecision(() => attempt(race))
    } catch (error) {
      if (!(error instanceof Conflict) || race >= MAX_RACES) throw error
    }
  }
}
