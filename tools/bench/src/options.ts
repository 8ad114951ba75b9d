import { parseArgs } from 'node:util'
import { fileURLToPath } from 'node:url'

/** What the command line asked for, and the sizes that follow from it. Times are in milliseconds. */
export interface Options {
  readonly quick: boolean
  /** Names of the scenarios to run; all when empty. */
  readonly only: readonly string[]
  /** Where the JSON goes. */
  readonly json: string
  /** The server's entry file, run by the same Node. */
  readonly server: string
  /** The entry file of another version, in a clone of its own, that is measured in turn with it where a scenario can. */
  readonly beside: string | undefined
  /** Milliseconds that the server of EventStoreDB's protocol takes for a commit. */
  readonly commitMs: number
  readonly rounds: number
  readonly warmupMs: number
  readonly sliceMs: number
  readonly appendSliceMs: number
  readonly coldStarts: number
  readonly replays: number
  readonly events: number
  readonly memoryMs: number
  readonly mixedMs: number
  readonly tries: number
  readonly accounts: number
  /** Tokens that a verifier checks in a round: those that it has seen before, and those that it has not. */
  readonly seenTokens: number
  readonly newTokens: number
  /** Revocations that matter at once, and signed notices that are read one by one. */
  readonly liveRevocations: number
  readonly notices: number
  /** Revocations that count, over each way. */
  readonly revocations: number
}

const FULL = {
  rounds: 3,
  warmupMs: 1000,
  sliceMs: 4000,
  appendSliceMs: 2000,
  coldStarts: 3,
  replays: 2,
  events: 1_000_000,
  memoryMs: 610_000,
  mixedMs: 20_000,
  tries: 500,
  accounts: 100_000,
  seenTokens: 1_000_000,
  newTokens: 5_000,
  liveRevocations: 1_000_000,
  notices: 20_000,
  revocations: 1_000,
}

const QUICK: typeof FULL = {
  rounds: 2,
  warmupMs: 400,
  sliceMs: 1200,
  appendSliceMs: 500,
  coldStarts: 2,
  replays: 2,
  events: 20_000,
  memoryMs: 20_000,
  mixedMs: 5000,
  tries: 60,
  accounts: 1_000,
  seenTokens: 200_000,
  newTokens: 1_000,
  liveRevocations: 50_000,
  notices: 3_000,
  revocations: 100,
}

const fromRoot = (path: string): string => fileURLToPath(new URL(`../../../${path}`, import.meta.url))

/** Where every run keeps its temporary data: ignored by git, on the disk the repository is on. */
export const scratchRoot: string = fromRoot('data/bench')

function wholeNumber(name: string, text: string): number {
  if (!/^\d{1,6}$/.test(text)) throw new TypeError(`--${name} is no whole number`)
  return Number(text)
}

/** @throws {TypeError} when an option is unknown, or none that can be meant. */
export function parseOptions(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      quick: { type: 'boolean', default: false },
      only: { type: 'string', default: '' },
      json: { type: 'string', default: fromRoot('data/bench/latest.json') },
      server: { type: 'string', default: fromRoot('apps/auth/src/main.ts') },
      beside: { type: 'string' },
      rounds: { type: 'string' },
      'commit-ms': { type: 'string', default: '2' },
    },
  })
  const only = values.only.split(',').filter((name) => name !== '')
  const sizes = values.quick ? QUICK : FULL
  return {
    ...sizes,
    quick: values.quick,
    only,
    json: values.json,
    server: values.server,
    beside: values.beside,
    commitMs: wholeNumber('commit-ms', values['commit-ms']),
    rounds: values.rounds === undefined ? sizes.rounds : wholeNumber('rounds', values.rounds),
  }
}
