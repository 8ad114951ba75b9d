import { setTimeout as sleep } from 'node:timers/promises'
import { openConnection, type Connection, type Outcome } from '../load/connection.ts'
import { shuffled } from '../statistics.ts'

/** One of two groups of requests whose answers must not be told apart by their time. */
export interface Group {
  readonly name: string
  /** The request of the nth try. */
  request(index: number): string
}

export interface Timings {
  /** Milliseconds from the request to its whole answer, by group, in the order they were made. */
  readonly latencies: ReadonlyMap<string, readonly number[]>
  /** What was answered, by group: the answers must be the same too. */
  readonly answers: ReadonlyMap<string, ReadonlySet<string>>
  readonly errors: Readonly<Record<string, number>>
}

export interface Comparison {
  readonly port: number
  readonly groups: readonly Group[]
  readonly tries: number
  readonly expect: number
}

/** A pause before each request lets the server finish what it does behind an answer. */
const PAUSE_MS = 5
const WARMUP = 0.1

/**
 * Makes the tries of all groups one at a time in one random order, so that no group always follows the other and
 * pays for what that one left behind. A tenth more comes first and is not counted.
 */
export async function compare({ port, groups, tries, expect }: Comparison): Promise<Timings> {
  const connection = openConnection(port)
  const latencies = new Map(groups.map(({ name }) => [name, new Array<number>()]))
  const answers = new Map(groups.map(({ name }) => [name, new Set<string>()]))
  const errors: Record<string, number> = {}
  for (const { group, index } of order(groups, tries)) {
    await sleep(PAUSE_MS)
    const started = performance.now()
    const outcome = await exchange(connection, group.request(index))
    const status = outcome === 'broken' ? outcome : outcome.status
    if (status !== expect) errors[status] = (errors[status] ?? 0) + 1
    if (index >= tries * WARMUP) latencies.get(group.name)?.push(performance.now() - started)
    answers.get(group.name)?.add(outcome === 'broken' ? outcome : outcome.body)
  }
  connection.close()
  return { latencies, answers, errors }
}

const exchange = (connection: Connection, request: string): Promise<Outcome> =>
  new Promise((resolve) => connection.exchange(request, resolve))

function order(groups: readonly Group[], tries: number): readonly { group: Group; index: number }[] {
  const all = (from: number, count: number): { group: Group; index: number }[] =>
    shuffled(groups.flatMap((group) => Array.from({ length: count }, (_, at) => ({ group, index: from + at }))))
  const warmup = Math.ceil(tries * WARMUP)
  return [...all(0, warmup), ...all(warmup, tries)]
}
