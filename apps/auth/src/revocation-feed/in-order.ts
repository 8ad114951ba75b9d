/** Works that run at the same time and are delivered in the order in which they were begun. */
export interface InOrder<Result> {
  /** Takes a work that has begun; resolves when another may. */
  push(work: Promise<Result>): Promise<void>
  /** Waits until everything was delivered, or something failed. */
  settled(): Promise<void>
}

export interface InOrderOptions<Result> {
  deliver(result: Result): void
  /** Called once, with the error of the first task that failed: nothing of or behind it is delivered. */
  onFailure(error: unknown): void
  /** How many works may be under way. */
  readonly ahead: number
}

/** Begins with nothing under way. */
export function deliverInOrder<Result>({ deliver, onFailure, ahead }: InOrderOptions<Result>): InOrder<Result> {
  let tail: Promise<void> = Promise.resolve()
  let underWay = 0
  let hasFailed = false

  async function next(before: Promise<void>, work: Promise<Result>): Promise<void> {
    try {
      const [result] = await Promise.all([work, before])
      if (!hasFailed) deliver(result)
    } catch (error) {
      if (!hasFailed) {
        hasFailed = true
        onFailure(error)
      }
    }
    underWay -= 1
  }

  return {
    async push(work) {
      underWay += 1
      tail = next(tail, work)
      if (underWay >= ahead) await tail
    },
    settled: () => tail,
  }
}
