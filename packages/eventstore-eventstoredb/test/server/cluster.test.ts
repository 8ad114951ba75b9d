import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { rounds } from '../../../../rounds.ts'
import { isReachable, type Member } from '../../src/testing/member.ts'
import { append, type Asked, event, idsOf, LIMITS, model, visible } from './model.ts'

const NO_STREAM = -1

describe('an append', () => {
  test('is answered when a majority has it, and seen by readers then', () => {
    const made = model()
    const [leader, near, far] = made.cluster.members as [Member, Member, Member]
    made.cluster.lag(far, true)
    const first = append(made, leader, 'a-1')
    expect(first.answer).toMatchObject({ kind: 'success', revision: 0 })
    expect([leader, near, far].map((each) => idsOf(each))).toEqual([[first.id], [first.id], []])
    made.cluster.lag(near, true)
    const second = append(made, leader, 'a-1')
    expect(second.answer).toBeUndefined()
    expect(idsOf(leader)).toEqual([first.id])
    made.cluster.lag(far, false)
    expect(second.answer).toMatchObject({ kind: 'success', revision: 1 })
    expect([leader, near, far].map((each) => idsOf(each).length)).toEqual([2, 1, 2])
  })

  // StorageWriterService.cs:790-792, RequestManagerBase.cs
  test('whose repeat comes before a majority has it: the repeat is dropped, and says Timeout after the commit timeout', () => {
    const made = model()
    const [leader, ...others] = made.cluster.members as [Member, Member, Member]
    for (const each of others) made.cluster.lag(each, true)
    const events = [event()]
    const first = append(made, leader, 'a-1', NO_STREAM, events)
    const repeat = append(made, leader, 'a-1', NO_STREAM, events)
    made.timers.advance(500)
    made.cluster.lag(others[0] as Member, false)
    expect(first.answer).toMatchObject({ kind: 'success', revision: 0 })
    expect(repeat.answer).toBeUndefined()
    const later = append(made, leader, 'a-1', NO_STREAM, events)
    expect(later.answer).toEqual(first.answer)
    made.timers.advance(LIMITS.commitTimeoutMs - 501)
    expect(repeat.answer).toBeUndefined()
    made.timers.advance(1)
    expect(repeat.answer).toEqual({ kind: 'timeout' })
  })

  test('that no majority gets in time says Timeout, and may be there all the same', () => {
    const made = model()
    const [leader, ...others] = made.cluster.members as [Member, Member, Member]
    for (const each of others) made.cluster.lag(each, true)
    const asked = append(made, leader, 'a-1')
    made.timers.advance(LIMITS.commitTimeoutMs)
    expect(asked.answer).toEqual({ kind: 'timeout' })
    expect(idsOf(leader)).toEqual([])
    made.cluster.lag(others[0] as Member, false)
    expect(idsOf(leader)).toEqual([asked.id])
  })

  test('takes as long as a commit, and those that come meanwhile share the next one', () => {
    const made = model(1, { commitMs: 2 })
    made.timers.advance(10)
    const first = append(made, made.node(0), 'a-1')
    const meanwhile = [1, 2, 3].map(() => append(made, made.node(0), 'a-1'))
    made.timers.advance(1)
    expect(first.answer).toBeUndefined()
    made.timers.advance(1)
    expect([first, ...meanwhile].map(({ answer }) => answer?.kind)).toEqual([
      'success',
      undefined,
      undefined,
      undefined,
    ])
    made.timers.advance(2)
    expect(meanwhile.map(({ answer }) => answer?.kind)).toEqual(['success', 'success', 'success'])
  })

  test('without events is a success, stops nothing, and is no event', () => {
    const made = model()
    const before = append(made, made.node(0), 'a-1')
    const empty = append(made, made.node(0), 'a-1', 0, [])
    const none = append(made, made.node(0), 'a-none', NO_STREAM, [])
    const after = append(made, made.node(0), 'a-1', 0)
    expect([empty.answer, none.answer, after.answer]).toMatchObject([
      { kind: 'success', revision: 0 },
      { kind: 'success', revision: -1 },
      { kind: 'success', revision: 1 },
    ])
    expect(idsOf(made.node(2))).toEqual([before.id, after.id])
  })
})

describe('a leader that is silent', () => {
  test('stays the leader for less than the time after which the others elect, and is replaced after it', () => {
    const made = model()
    const old = made.node(0)
    made.cluster.pause(old)
    made.timers.advance(LIMITS.electionMs - 1)
    made.cluster.resume(old)
    made.timers.advance(LIMITS.electionMs)
    expect(made.cluster.leader).toBe(old)
    made.cluster.pause(old)
    made.timers.advance(LIMITS.electionMs)
    expect(made.cluster.leader).not.toBe(old)
  })

  test('answers as if it led when it goes on, then knows nobody, then follows; what it was given meanwhile is cut off', () => {
    const made = model()
    const old = made.node(0)
    const before = append(made, old, 'a-1')
    made.cluster.pause(old)
    let read: readonly string[] = []
    old.whenAwake(() => (read = idsOf(old)))
    made.timers.advance(LIMITS.electionMs + LIMITS.preLeaderMs)
    const next = made.cluster.leader as Member
    const during = append(made, next, 'a-1')
    expect(during.answer?.kind).toBe('success')
    expect(read).toEqual([])

    made.cluster.resume(old)
    expect([old.role, old.leader === old, read, idsOf(old)]).toEqual(['leader', true, [before.id], [before.id]])
    const inVain = append(made, old, 'a-1')
    made.timers.advance(LIMITS.staleMs - 1)
    expect([old.role, inVain.answer]).toEqual(['leader', undefined])
    made.timers.advance(1)
    expect([old.role, old.leader, inVain.answer]).toEqual(['unknown', undefined, { kind: 'timeout' }])
    made.timers.advance(LIMITS.changingMs)
    expect([old.role, made.ended]).toEqual(['down', [old]])
    made.cluster.started(old)
    expect([old.role, old.leader === next]).toEqual(['follower', true])
    for (const each of made.cluster.members) expect(idsOf(each)).toEqual([before.id, during.id])
  })

  test('that was given nothing meanwhile follows without an end of its process', () => {
    const made = model()
    const old = made.node(0)
    made.cluster.pause(old)
    made.timers.advance(LIMITS.electionMs + LIMITS.preLeaderMs)
    made.cluster.resume(old)
    made.timers.advance(LIMITS.staleMs + LIMITS.changingMs)
    expect([old.role, made.ended]).toEqual(['follower', []])
    expect(visible(old)).toEqual(visible(made.cluster.leader as Member))
  })
})

describe('a node that was elected', () => {
  // ClusterVNodeController.cs:318-322
  test('is no leader yet, and leads when it has caught up', () => {
    const made = model()
    made.cluster.ended(made.node(0))
    expect(made.node(1).role).toBe('unknown')
    made.timers.advance(LIMITS.lostMs)
    const next = made.cluster.leader as Member
    expect(next.role).toBe('preLeader')
    made.timers.advance(LIMITS.preLeaderMs)
    expect(next.role).toBe('leader')
    expect(visible(next).filter(({ stream }) => stream === '$epoch-information').length).toBe(2)
  })

  test('has everything that was acknowledged: one that lags is not elected before one that does not', () => {
    const made = model()
    made.cluster.lag(made.node(1), true)
    const asked = append(made, made.node(0), 'a-1')
    made.cluster.lag(made.node(1), false)
    made.cluster.lag(made.node(1), true)
    const more = append(made, made.node(0), 'a-1')
    made.cluster.pause(made.node(0))
    made.timers.advance(LIMITS.electionMs + LIMITS.preLeaderMs)
    expect(made.cluster.leader).toBe(made.node(2))
    expect(idsOf(made.node(2))).toEqual([asked.id, more.id])
    expect(() => made.cluster.lead(made.node(1))).toThrow(/cannot lead/)
  })

  test('is none while there is no majority', () => {
    const made = model()
    made.cluster.ended(made.node(1))
    made.cluster.pause(made.node(2))
    made.timers.advance(LIMITS.electionMs * 3)
    expect([made.cluster.leader, made.node(0).role]).toEqual([undefined, 'unknown'])
    made.cluster.resume(made.node(2))
    made.timers.advance(LIMITS.electionMs * 3)
    expect(made.cluster.leader?.role).toBe('leader')
  })
})

test('a process that ended knows its log, and no id that was written to it lately', () => {
  const made = model(1)
  const events = [event()]
  const first = append(made, made.node(0), 'a-1', undefined, events)
  expect(append(made, made.node(0), 'a-1', undefined, events).answer).toEqual(first.answer)
  made.cluster.ended(made.node(0))
  made.cluster.started(made.node(0))
  expect(idsOf(made.node(0))).toEqual([first.id])
  expect(append(made, made.node(0), 'a-1', NO_STREAM, events).answer).toEqual(first.answer)
  expect(append(made, made.node(0), 'a-1', undefined, events).answer).toMatchObject({ revision: 1 })
})

type Step =
  | { readonly act: 'append' | 'pause' | 'resume' | 'kill' | 'start' | 'lag' | 'catchUp'; readonly at: number }
  | { readonly act: 'wait'; readonly ms: number }

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ act: fc.constant('append' as const), at: fc.nat(2) }) },
  {
    weight: 4,
    arbitrary: fc.record({
      act: fc.constantFrom('pause', 'resume', 'kill', 'start', 'lag', 'catchUp'),
      at: fc.nat(2),
    }),
  },
  { weight: 3, arbitrary: fc.record({ act: fc.constant('wait' as const), ms: fc.integer({ min: 1, max: 7_000 }) }) },
)

test('whatever happens, what was acknowledged is in every log that readers see afterwards, once and in one order', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const made = model()
      const { cluster, timers } = made
      const asked: Asked[] = []
      for (const each of steps) {
        if (each.act === 'wait') {
          timers.advance(each.ms)
          continue
        }
        const at = made.node(each.at)
        if (each.act === 'append' && at.role === 'leader' && isReachable(at)) asked.push(append(made, at, 'a-1'))
        if (each.act === 'pause' && at.role !== 'down') cluster.pause(at)
        if (each.act === 'resume') cluster.resume(at)
        if (each.act === 'kill' && at.role !== 'down') cluster.ended(at)
        if (each.act === 'start' && at.role === 'down') cluster.started(at)
        if (each.act === 'lag') cluster.lag(at, true)
        if (each.act === 'catchUp') cluster.lag(at, false)
        const acknowledged = asked.filter(({ answer }) => answer?.kind === 'success').map(({ id }) => id)
        const seen = cluster.members.map((member) => idsOf(member))
        const longest = seen.reduce((left, right) => (right.length > left.length ? right : left))
        expect(longest).toEqual(expect.arrayContaining(acknowledged))
        for (const ids of seen) expect(longest.slice(0, ids.length)).toEqual(ids)
      }
      for (let turn = 0; turn < 6; turn += 1) {
        for (const member of cluster.members) {
          cluster.resume(member)
          cluster.lag(member, false)
          if (member.role === 'down') cluster.started(member)
        }
        timers.advance(LIMITS.electionMs * 2)
      }
      const acknowledged = asked.filter(({ answer }) => answer?.kind === 'success').map(({ id }) => id)
      const leader = cluster.leader as Member
      expect(leader.role).toBe('leader')
      const last = append(made, leader, 'a-1')
      expect(last.answer?.kind).toBe('success')
      const ids = idsOf(leader)
      expect(new Set(ids).size).toBe(ids.length)
      expect(ids).toEqual(expect.arrayContaining([...acknowledged, last.id]))
      for (const member of cluster.members) expect(visible(member)).toEqual(visible(leader))
    }),
    { numRuns: rounds({ quick: 60, long: 3_000 }) },
  )
})
