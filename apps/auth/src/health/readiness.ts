/** One thing the server needs. `undefined` means it is well; a text says what is wrong, without secrets. */
export type Check = () => string | undefined

export interface Readiness {
  /** What goes badly now without keeping the server from taking requests, by the name of the part. */
  details(): Readonly<Record<string, string>>
  /** What is wrong now, by the name of the part; empty when the server can take requests. */
  problems(): Readonly<Record<string, string>>
  /** From now on the server is not ready: it is about to stop. */
  drain(): void
  readonly isDraining: boolean
}

type Checks = Readonly<Record<string, Check>>

/** What the checks say that are not well. */
const saidBy = (checks: Checks): readonly (readonly [name: string, text: string])[] =>
  Object.entries(checks).flatMap(([name, check]) => {
    const text = check()
    return text === undefined ? [] : [[name, text] as const]
  })

/** Ready when every check is; what `noted` says is shown and changes nothing. */
export function readiness(checks: Checks, noted: Checks = {}): Readiness {
  let isDraining = false
  return {
    details: () => Object.fromEntries(saidBy(noted)),
    problems() {
      const found = saidBy(checks)
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
