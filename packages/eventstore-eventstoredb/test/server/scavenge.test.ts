import { describe, expect, test } from 'vitest'
import type { Member } from '../../src/testing/member.ts'
import { append, event, type Model, model, visible } from './model.ts'

/** Revisions of a stream that are still in the files of a node. */
const left = (node: Member, stream: string): readonly number[] =>
  visible(node).flatMap((found) => (found.stream === stream ? found.revision : []))

const remove = ({ cluster, node }: Model, stream: string, isHard = false): void =>
  cluster.remove(node(0), { stream, expected: -2, isHard }, () => undefined)
const give = (made: Model, stream: string, count: number): void =>
  void append(
    made,
    made.node(0),
    stream,
    undefined,
    Array.from({ length: count }, () => event()),
  )

// TransactionLog/Scavenging/Stages/EventCalculator.cs:60, Calculator.cs:81; docs server/features/streams.md:75
describe('a scavenge', () => {
  test('keeps the last event of a deleted stream, however often, and nothing before it', async () => {
    const made = model(1)
    give(made, 'a-1', 3)
    give(made, 'b-1', 1)
    for (const stream of ['a-1', 'b-1']) remove(made, stream)
    for (let count = 0; count < 3; count += 1) await made.cluster.scavenge(made.node(0))
    expect([left(made.node(0), 'a-1'), left(made.node(0), 'b-1')]).toEqual([[2], [0]])
  })

  test('removes what stood before an empty event and a delete with the first, and the name can be used again', async () => {
    const made = model(1)
    give(made, 'a-1', 2)
    give(made, 'a-1', 1)
    remove(made, 'a-1')
    await made.cluster.scavenge(made.node(0))
    expect(left(made.node(0), 'a-1')).toEqual([2])
    expect(append(made, made.node(0), 'a-1', -1).answer).toMatchObject({ kind: 'success', revision: 3 })
    await made.cluster.scavenge(made.node(0))
    expect(left(made.node(0), 'a-1')).toEqual([3])
  })

  test('removes everything before a tombstone, which stays, and the metadata of the stream', async () => {
    const made = model(1)
    give(made, 'a-1', 2)
    give(made, '$$a-1', 1)
    remove(made, 'a-1', true)
    await made.cluster.scavenge(made.node(0))
    expect([left(made.node(0), 'a-1').length, left(made.node(0), '$$a-1')]).toEqual([1, []])
  })

  test('removes what a stream has too many of, and all metadata but the last', async () => {
    const made = model(1)
    for (const count of [3, 2])
      append(made, made.node(0), '$$a-1', undefined, [{ ...event(), data: Buffer.from(`{"$maxCount":${count}}`) }])
    give(made, 'a-1', 5)
    await made.cluster.scavenge(made.node(0))
    expect([left(made.node(0), 'a-1'), left(made.node(0), '$$a-1')]).toEqual([[3, 4], [1]])
  })

  // docs operations/scavenge.md:127
  test('goes by the newest point that its node has not used, though that may be older than what its operator wants gone', async () => {
    const made = model()
    give(made, 'a-1', 2)
    await made.cluster.scavenge(made.node(0))
    remove(made, 'a-1')
    await made.cluster.scavenge(made.node(1))
    expect(left(made.node(1), 'a-1')).toEqual([0, 1])
    await made.cluster.scavenge(made.node(1))
    expect(left(made.node(1), 'a-1')).toEqual([1])
    await made.cluster.scavenge(made.node(2))
    expect(left(made.node(2), 'a-1')).toEqual([1])
  })

  test('takes for the last event what was the last before the point', async () => {
    const made = model()
    append(made, made.node(0), '$$a-1', undefined, [{ ...event(), data: Buffer.from('{"$maxCount":1}') }])
    give(made, 'a-1', 2)
    await made.cluster.scavenge(made.node(0))
    give(made, 'a-1', 1)
    await made.cluster.scavenge(made.node(1))
    expect(left(made.node(1), 'a-1')).toEqual([1, 2])
    await made.cluster.scavenge(made.node(1))
    expect(left(made.node(1), 'a-1')).toEqual([2])
  })

  test('is of one node: the files of the others stay as they are', async () => {
    const made = model()
    give(made, 'a-1', 2)
    remove(made, 'a-1')
    await made.cluster.scavenge(made.node(2))
    expect(made.cluster.members.map((each) => left(each, 'a-1').length)).toEqual([2, 2, 1])
  })

  test('of a node that lags waits for its point, and by an older one removes what that node has', async () => {
    const made = model()
    made.cluster.lag(made.node(2), true)
    give(made, 'a-1', 2)
    remove(made, 'a-1')
    let isOver = false
    const scavenging = made.cluster.scavenge(made.node(2)).then(() => (isOver = true))
    await Promise.resolve()
    expect([left(made.node(2), 'a-1'), isOver]).toEqual([[], false])
    made.cluster.lag(made.node(2), false)
    await scavenging
    expect(left(made.node(2), 'a-1')).toEqual([1])
  })
})
