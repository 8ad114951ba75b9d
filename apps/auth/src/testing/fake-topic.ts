import { setImmediate as turn } from 'node:timers/promises'
import type { Position } from '@ledgate/eventsourcing'
import { nthPosition as positionOf } from '@ledgate/eventsourcing/testing'
import type { NoticePublisher, Publication } from '@ledgate/revocation'
import { PositionExpired } from '../revocation-feed/position-expired.ts'
import type { Announcement } from '../revocation-feed/announcement.ts'
import { TopicTruncated } from '../revocation-feed/kafka/index.ts'

interface Written extends Publication {
  readonly offset: bigint
}

export const cursorOf = ({ offset, jws }: { readonly offset: bigint; readonly jws: string }) => `${offset} ${jws}`

/** Keys that sign, no two times alike; of which some are no longer believed. */
export function fakeKeys() {
  let [keys, believed, signatures] = [1, 1, 0]
  const isBelieved = (kid: string) => Number(kid.slice(1)) >= believed
  return {
    kidOf: ({ jws }: Publication) => jws.split(' ').at(-1) ?? '',
    isBelieved,
    sign: <One extends Publication>(one: One): One => ({ ...one, jws: `${one.jws} ${(signatures += 1)} k${keys}` }),
    isValid: ({ jws }: Publication) => isBelieved(jws.split(' ').at(-1) ?? ''),
    rotate: () => void (keys += 1),
    /** The key that signs now is no longer believed. */
    compromise: () => void (believed = keys += 1),
    firstBelieved: () => believed,
  }
}
type FakeKeys = ReturnType<typeof fakeKeys>

/** A topic that loses its end or its beginning, is damaged, or is away, when it is told to. */
export function fakeTopic(keys: FakeKeys) {
  let records: Written[] = []
  let [low, high] = [0n, 0n]
  let isAway = false
  let life = 0
  /** Of heartbeats: what somebody knows who read from the offset it vouches for; checked as it is written. */
  const broken: string[] = []
  const lives = new Set<string>()
  /** Offsets of what no one can read any more. */
  let damaged: bigint[] = []
  const isDamagedIn = (from: bigint, to: bigint) => damaged.some((offset) => offset >= from && offset <= to)
  let accepted = 0

  function check(record: Written): void {
    const { confirmed } = record
    // Its readers ignore it.
    if (
      confirmed === undefined ||
      low > confirmed.since ||
      record.offset <= confirmed.previous ||
      !keys.isValid(record)
    )
      return
    if (isDamagedIn(confirmed.since, record.offset)) return
    accepted += 1
    const read = records.filter((one) => one.kind === 'notice' && one.offset >= confirmed.since && keys.isValid(one))
    const known = new Set(read.map(({ position }) => position))
    for (const position of lives)
      if (position <= record.position && !known.has(position)) broken.push(`${position} before ${record.offset}`)
  }

  const open = async (): Promise<NoticePublisher> => ({
    async send(publications) {
      await turn()
      if (isAway) throw new Error('no broker')
      for (const publication of publications) {
        const record = { ...publication, offset: high }
        high += 1n
        records.push(record)
        check(record)
      }
      const last = high - 1n
      await turn()
      if (isAway) throw new Error('no answer')
      return last
    },
    async range() {
      await turn()
      if (isAway) throw new Error('no broker')
      return { low, high }
    },
    close: async () => {},
  })

  /** Ends with an error when the topic is made anew, as the connection or the broker would. */
  async function* readOn(cursor: string, signal: AbortSignal) {
    await turn()
    if (isAway) throw new Error('no broker')
    let read = BigInt(cursor.split(' ')[0] ?? '')
    const began = life
    if (!records.some(({ offset, jws }) => cursorOf({ offset, jws }) === cursor)) throw new TopicTruncated()
    while (!signal.aborted) {
      if (isAway || began !== life) throw new Error('lost the connection')
      const next = records.filter(({ offset }) => offset > read)
      const to = high - 1n
      if (isDamagedIn(read, to)) throw new TopicTruncated()
      read = next.at(-1)?.offset ?? read
      if (next.length > 0) yield next.map((record) => ({ cursor: cursorOf(record) }))
      await turn()
    }
  }

  async function readThrough({ from, to }: { readonly from: bigint; readonly to: bigint }): Promise<void> {
    await turn()
    if (isAway) throw new Error('no broker')
    if (isDamagedIn(from, to)) throw new TopicTruncated()
  }

  return {
    open,
    readOn,
    readThrough,
    broken,
    lives,
    notices: () => records.filter(({ kind }) => kind === 'notice').map(({ position }) => position),
    /** Heartbeats that a reader takes which begins at the beginning. */
    accepted: () => accepted,
    away: (is: boolean) => (isAway = is),
    /** Takes its time, as it does. */
    async forget() {
      isAway = true
      for (let n = 0; n < 10; n += 1) await turn()
      ;[records, damaged, low, high] = [[], [], 0n, 0n]
      life += 1
      isAway = false
    },
    /** Lets no one read one that was written so many before the last. */
    damage(before: number) {
      const offset = high - 1n - BigInt(before)
      if (offset < low) return
      damaged.push(offset)
      records = records.filter((record) => record.offset !== offset)
    },
    deleteBefore(share: number) {
      low = low + ((high - low) * BigInt(share)) / 4n
      records = records.filter(({ offset }) => offset >= low)
    },
  }
}

/** A feed that holds only the newest notices, and the set of all of them. */
export function fakeFeed(topic: FakeTopic, keys: FakeKeys, ring = 4) {
  const all: Announcement[] = []
  let last = 0
  let beats = 0
  const add = (kind: Publication['kind']): Position => {
    last += 1
    const position = positionOf(last)
    if (kind === 'notice') topic.lives.add(position)
    all.push({ kind, position, jws: `${kind} ${position}` })
    return position
  }
  return {
    end: () => add('notice'),
    beat: () => (beats += 1),
    last: () => positionOf(last),
    async *follow(after: Position, signal: AbortSignal): AsyncGenerator<Announcement> {
      const notices = () => all.filter(({ kind, position }) => kind === 'notice' && position > reached)
      let reached = after
      let heard = beats
      const oldest = all.at(-ring)?.position
      if (oldest !== undefined && after < oldest && notices().length > ring) throw new PositionExpired()
      const believed = keys.firstBelieved()
      while (!signal.aborted) {
        if (believed !== keys.firstBelieved()) throw new PositionExpired()
        for (const notice of notices()) {
          reached = notice.position
          yield keys.sign(notice)
        }
        if (heard !== beats) {
          heard = beats
          yield keys.sign({ kind: 'heartbeat', position: positionOf(last), jws: `heartbeat ${last}` })
        }
        await turn()
      }
    },
    async liveSet(after: Position) {
      const found = all.filter(({ position }) => position > after)
      async function* batches() {
        for (let at = 0; at < found.length; at += 3) yield found.slice(at, at + 3).map(keys.sign)
      }
      return { through: positionOf(last), batches: batches() }
    },
  }
}

export type FakeTopic = ReturnType<typeof fakeTopic>
export type FakeFeed = ReturnType<typeof fakeFeed>
