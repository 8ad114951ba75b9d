import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { rounds } from '../../../rounds.ts'
import { type Closing, contiguity } from '../src/follower/contiguity.ts'
import type { Link } from '../src/statement/index.ts'

const RUNS = { numRuns: rounds({ quick: 300, long: 20_000 }) }

const place = (nth: number): string => String(nth).padStart(4, '0')

/** A notice of a log: what it names, and whether that matters to the end. */
interface Logged {
  readonly position: string
  readonly name: string
  readonly isOver: boolean
}

type Said =
  { readonly link: Link; readonly covers: readonly string[] } | { readonly closing: Closing; readonly isFor: string }

const anyLog = fc
  .array(
    fc.record({ name: fc.constantFrom('a', 'b', 'c', 'd'), isOver: fc.boolean(), gap: fc.integer({ min: 1, max: 3 }) }),
    {
      minLength: 1,
      maxLength: 12,
    },
  )
  .map((made) => {
    let at = 0
    // What is said later of a name is over later.
    const isOver = ({ name }: { name: string }, nth: number) =>
      made.slice(nth).some((other) => other.name === name && other.isOver)
    return made.map((each, nth): Logged => ({
      name: each.name,
      isOver: isOver(each, nth),
      position: place((at += each.gap)),
    }))
  })

/** What a publisher says of the notices after one of them as they happen, with a heartbeat behind some of them. */
function live(log: readonly Logged[], from: number, beats: readonly boolean[]): readonly Said[] {
  return log.slice(from).flatMap(({ position }, index): readonly Said[] => {
    const predecessor = log[from + index - 1]?.position ?? ''
    const said = { link: { position, predecessor }, covers: [position] }
    const closing = { closing: { through: `${position}x`, predecessor: position }, isFor: `${position}x` }
    return beats[index % beats.length] === true ? [said, closing] : [said]
  })
}

/** What a publisher says when it fills a topic: of each name what was said last, but what is over, and the heartbeat at its end. */
function filled(log: readonly Logged[], upTo: number, after: number): readonly Said[] {
  const told = log.slice(0, upTo)
  const set = `${told.at(-1)?.position ?? place(0)}y`
  const from = after === 0 ? '' : (log[after - 1]?.position ?? '')
  const of = told.slice(Math.min(after, upTo))
  const last = of.filter(({ name, isOver }, nth) => !isOver && !of.slice(nth + 1).some((other) => other.name === name))
  const said = last.map(({ name, position }, nth) => ({
    link: { position, set, predecessor: last[nth - 1]?.position ?? from },
    covers: of.filter((other) => other.name === name).map((other) => other.position),
  }))
  return [...said, { closing: { through: set, predecessor: last.at(-1)?.position ?? from }, isFor: set }]
}

/** Two publishers at once, each in its order; either may begin by filling the topic, and repeats what it likes. */
const anyStream = anyLog.chain((log) =>
  fc
    .record({
      one: fc.record({ beats: fc.array(fc.boolean(), { minLength: 1 }), repeats: fc.nat({ max: 3 }) }),
      other: fc.record({
        beats: fc.array(fc.boolean(), { minLength: 1 }),
        from: fc.nat({ max: log.length }),
        fills: fc.boolean(),
      }),
      turns: fc.array(fc.boolean(), { minLength: 60, maxLength: 60 }),
    })
    .map(({ one, other, turns }) => {
      const own = live(log, 0, one.beats).flatMap((said, nth) => (nth % 4 === one.repeats ? [said, said] : [said]))
      // The second begins where the first has come, or says everything anew.
      const from = other.from
      const begins = other.fills ? [...filled(log, from, 0)] : []
      const both: Said[] = []
      const waiting = [...begins, ...live(log, from, other.beats)]
      const first = [...own]
      const isThere = (position: string) => both.some((said) => 'link' in said && said.covers.includes(position))
      for (const turn of [...turns, ...Array.from({ length: 100 }, (_, nth) => nth % 2 === 0)]) {
        const mayBegin = other.fills || log.slice(0, from).every(({ position }) => isThere(position))
        const next = turn || !mayBegin ? first.shift() : waiting.shift()
        if (next !== undefined) both.push(next)
      }
      return { log, said: both }
    }),
)

const isOf = (closing: string, position: string): boolean => position <= closing.slice(0, 4)

/** Takes in a stream. @returns for each heartbeat whether it was believed, and what had come by then. */
function heard(said: readonly Said[]) {
  const chain = contiguity()
  const came = new Set<string>()
  return said.flatMap((each) => {
    if ('link' in each) {
      chain.notice(each.link)
      for (const position of each.covers) came.add(position)
      return []
    }
    return [{ isFor: each.isFor, isBelieved: chain.heartbeat(each.closing), came: new Set(came) }]
  })
}

describe('contiguity by the predecessor of each statement', () => {
  it('sees no gap in repetitions, a second publisher, expired notices, or a topic that is filled again', () => {
    fc.assert(
      fc.property(anyStream, ({ said }) => {
        for (const { isFor, isBelieved } of heard(said)) expect([isFor, isBelieved]).toEqual([isFor, true])
      }),
      RUNS,
    )
  })

  it('confirms a position only if every notice that still matters arrived, whatever was dropped, delayed or repeated', () => {
    const relayed = anyStream.chain(({ log, said }) =>
      fc
        .tuple(
          fc.subarray([...log]),
          fc.array(fc.record({ from: fc.nat({ max: 59 }), to: fc.nat({ max: 59 }) }), { maxLength: 4 }),
        )
        .map(([dropped, moves]) => {
          const isDropped = (each: Said) =>
            'link' in each && dropped.some(({ position }) => position === each.link.position)
          const given = said.filter((each) => !isDropped(each))
          for (const { from, to } of moves)
            given.splice(to % (given.length + 1), 0, ...given.splice(from % (given.length + 1), 1))
          return { log, given }
        }),
    )
    fc.assert(
      fc.property(relayed, ({ log, given }) => {
        for (const { isFor, isBelieved, came } of heard(given)) {
          const missing = log.filter(({ position, isOver }) => !isOver && isOf(isFor, position) && !came.has(position))
          // What is said later of the same name has all that was said before.
          const isMissed = missing.filter(
            ({ name, position }) =>
              !log.some((other) => other.name === name && other.position > position && came.has(other.position)),
          )
          if (isBelieved) expect(isMissed).toEqual([])
        }
      }),
      RUNS,
    )
  })

  it('continues from the position of a complete snapshot', () => {
    const chain = contiguity()
    chain.whole('0005')
    chain.notice({ position: '0007', predecessor: '0004' })
    expect(chain.heartbeat({ through: '0008', predecessor: '0007' })).toBe(true)
    expect(chain.heartbeat({ through: '0010', predecessor: '0009' })).toBe(false)
    chain.whole('0010')
    expect(chain.heartbeat({ through: '0011', predecessor: '0009' })).toBe(true)
  })

  it('accepts statements without a predecessor beside others, as during a rolling update', () => {
    const chain = contiguity()
    chain.notice({ position: '0001' })
    expect(chain.heartbeat({ through: '0002' })).toBe(true)
    chain.notice({ position: '0003' })
    chain.notice({ position: '0004', predecessor: '0003' })
    expect(chain.heartbeat({ through: '0005', predecessor: '0004' })).toBe(true)
    chain.notice({ position: '0006' })
    expect(chain.heartbeat({ through: '0006' })).toBe(true)
    expect(chain.heartbeat({ through: '0007', predecessor: '0006' })).toBe(true)
  })
})
