/** Work that waits for its turn, shared fairly among those who want it done. */
export interface FairQueue {
  /** @throws what `refused` makes, when too much is waiting. */
  run<Result>(owner: string, work: () => Promise<Result>): Promise<Result>
}

export interface FairQueueOptions {
  /** Pieces of work in hand at once. */
  readonly atOnce: number
  /** Pieces that may wait, of all owners. */
  readonly maxWaiting: number
  refused(): Error
}

interface Job {
  start(): void
  refuse(error: Error): void
}

/**
 * Owners take turns, so that one with much to do is waited for as long as one with little. When no room is left, whoever has
 * the most waiting gives up its last piece for one who has less: no one fills the queue for all.
 */
export function createFairQueue({ atOnce, maxWaiting, refused }: FairQueueOptions): FairQueue {
  /** In the order of their turns. */
  const owners = new Map<string, Job[]>()
  let [inHand, waiting] = [0, 0]

  function longest(): readonly [string, Job[]] | undefined {
    let found: readonly [string, Job[]] | undefined
    for (const entry of owners) if (found === undefined || entry[1].length > found[1].length) found = entry
    return found
  }

  /** Whether there is room for one more of the owner. */
  function makeRoom(owner: string): boolean {
    if (waiting < maxWaiting) return true
    const [other, jobs = []] = longest() ?? []
    if (other === undefined || jobs.length <= (owners.get(owner)?.length ?? 0) + 1) return false
    jobs.pop()?.refuse(refused())
    waiting -= 1
    return true
  }

  function next(): void {
    const [turn] = owners
    if (turn === undefined || inHand >= atOnce) return
    const [owner, jobs] = turn
    const job = jobs.shift()
    owners.delete(owner)
    if (jobs.length > 0) owners.set(owner, jobs)
    waiting -= 1
    job?.start()
  }

  async function inTurn<Result>(work: () => Promise<Result>): Promise<Result> {
    inHand += 1
    try {
      return await work()
    } finally {
      inHand -= 1
      next()
    }
  }

  return {
    run<Result>(owner: string, work: () => Promise<Result>) {
      if (inHand < atOnce) return inTurn(work)
      if (!makeRoom(owner)) return Promise.reject(refused())
      return new Promise<Result>((resolve, refuse) => {
        const job = { start: () => void inTurn(work).then(resolve, refuse), refuse }
        const jobs = owners.get(owner)
        if (jobs === undefined) owners.set(owner, [job])
        else jobs.push(job)
        waiting += 1
      })
    },
  }
}
