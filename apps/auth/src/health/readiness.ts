/** One thing the server needs. `undefined` means it is well; a text says what is wrong, without secrets. */
export type Check = () => string | undefined

export interface Readiness {
  /** What is wrong now, by the name of the part; empty when the server can take requests. */
  problems(): Readonly<Record<string, string>>
  /** From now on the server is not ready: it is about to stop. */
  drain(): void
  readonly isDraining: boolean
}

/** Ready when every check is. */
export function readiness(checks: Readonly<Record<string, Check>>): Readiness {
  let isDraining = false
  return {
    problems() {
      const found = Object.entries(checks).flatMap(([name, check]) => {
        const problem = check()
        return problem === undefined ? [] : [[name, problem]]
      })
      return Object.fromEntries(isDraining ? [['server', 'shutting down'], ...found] : found)
    },
    drain() {
      isDraining = true
    },
    get isDraining() {
      return isDraining
    },
  }
}
