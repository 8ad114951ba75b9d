/** A position in an answer, which differs from run to run until it has a name. */
export class Place {
  readonly commit: bigint
  readonly isPrepareSame: boolean
  constructor(commit: string, prepare: string) {
    this.commit = BigInt(commit)
    this.isPrepareSame = commit === prepare
  }
}

const MOST = 2n ** 64n - 1n

/** Gives positions the names of the events that stand there, or before them. */
export interface Names {
  /** Notes where an event stands. */
  note(name: string, commit: string): void
  positionOf(name: string): bigint
  /** An answer as it is kept: its positions by their names. */
  named(answer: unknown): unknown
}

export function names(): Names {
  const byPosition = new Map<bigint, string>()
  const byName = new Map<string, bigint>()

  function nameOf(commit: bigint): string {
    if (commit === MOST) return '2^64-1'
    if (commit === 0n) return '0'
    const there = byPosition.get(commit)
    if (there !== undefined) return `at ${there}`
    const before = [...byPosition.keys()].filter((each) => each < commit)
    if (before.length === 0) return 'before everything'
    return `after ${byPosition.get(before.reduce((most, each) => (each > most ? each : most)))}`
  }

  return {
    note(name, commit) {
      byPosition.set(BigInt(commit), name)
      byName.set(name, BigInt(commit))
    },
    positionOf(name) {
      const found = byName.get(name)
      if (found === undefined) throw new Error(`nothing has shown where ${name} stands`)
      return found
    },
    named: (answer) =>
      JSON.parse(
        JSON.stringify(answer, (_, value: unknown) =>
          value instanceof Place ? nameOf(value.commit) + (value.isPrepareSame ? '' : ' (prepare differs)') : value,
        ),
      ),
  }
}
