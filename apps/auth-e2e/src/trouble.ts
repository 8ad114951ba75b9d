import type { Broker } from '@ledgate/revocation/testing'

/** Something that happens to a broker, and its end. */
export interface Trouble {
  readonly name: string
  /** Begins it, and resolves when the broker gives nothing any more. */
  begin(): Promise<void>
  /** How long it lasts at least. */
  readonly ms: number
  /** Ends it, and resolves when the broker is well again. */
  end(): Promise<void>
}

const seconds = (from: number, to: number, random: () => number): number => 1_000 * (from + random() * (to - from))

function shuffled<Item>(items: readonly Item[], random: () => number): readonly Item[] {
  const left = [...items]
  return items.map(() => left.splice(Math.floor(random() * left.length), 1)[0] as Item)
}

/**
 * One of each kind, in an order that chance decides: a freeze that outlasts the staleness bound, a short one, and a crash, after
 * which it is started again at once or later.
 */
export function troubles({ freeze, thaw, kill, restart }: Broker, random: () => number): readonly Trouble[] {
  const frozen = { begin: async () => freeze(), end: async () => thaw() }
  const crash = random() < 0.3 ? { name: 'restarted', ms: 0 } : { name: 'killed', ms: seconds(0, 8, random) }
  return shuffled(
    [
      { name: 'frozen past the bound', ms: seconds(17, 20, random), ...frozen },
      { name: 'frozen', ms: seconds(0, 8, random), ...frozen },
      { ...crash, begin: kill, end: restart },
    ],
    random,
  )
}

/** Milliseconds in which nothing happens. */
export const calmMs = (random: () => number): number => seconds(0, 5, random)
