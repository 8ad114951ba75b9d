import { describe, expect, test } from 'vitest'
import { START, type EventFilter, type Page } from '@ledgate/eventsourcing'
import { createFollowers } from './followers.ts'
import { positionOf, rowsOf } from './records.ts'

/** A log that counts how often it is read. */
function countedLog() {
  const state = { reads: 0, head: 0 }
  const page = (): Page => {
    state.reads += 1
    return { events: [], through: positionOf(state.head), atEnd: true }
  }
  return { state, reader: { page, head: () => positionOf(state.head) } }
}

/** What an append with events of these types became, up to this position. */
const rows = (stream: string, types: readonly string[], position: number) =>
  rowsOf({
    stream,
    created: 0,
    events: types.map((type, nth) => ({ id: `${position}.${nth}`, type, data: '{}', metadata: '{}' })),
    revision: types.length - 1,
    position,
  })

/** Whether a commit with an event of this type in this stream wakes who follows the filter. */
async function wakes(filter: EventFilter, stream: string, type: string): Promise<boolean> {
  const { state, reader } = countedLog()
  const following = createFollowers(reader)
  const done = new AbortController()
  let isAwake = false
  const asleep = following
    .log(filter)
    .more(START, done.signal)
    .then(() => (isAwake = !done.signal.aborted))
  state.head = 1
  following.written(rows(stream, [type], 1))
  following.committed()
  await new Promise((resolve) => setImmediate(resolve))
  done.abort()
  await asleep
  return isAwake
}

describe('followers of the log', () => {
  test('are woken only by events that match their filter', async () => {
    const both = { categories: ['user'], types: ['Ended'] }
    expect(await wakes(both, 'user-1', 'Ended')).toBe(true)
    expect(await wakes(both, 'user-1', 'Begun')).toBe(false)
    expect(await wakes(both, 'client-1', 'Ended')).toBe(false)
    expect(await wakes({ types: ['Ended'] }, 'client-1', 'Ended')).toBe(true)
    expect(await wakes({ types: ['Ended'] }, 'client-1', 'Begun')).toBe(false)
    expect(await wakes({}, 'client-1', 'Begun')).toBe(true)
  })

  test('read only when a matching event may exist', () => {
    const { state, reader } = countedLog()
    const following = createFollowers(reader)
    const log = following.log({ categories: ['user'], types: ['Ended'] })
    state.head = 2
    following.written(rows('user-1', ['Begun'], 1))
    following.written(rows('client-1', ['Begun'], 2))
    expect(log.page(START, undefined)).toEqual({ events: [], through: positionOf(2), atEnd: true })
    expect(state.reads).toBe(0)
  })

  test('read recent events from memory, equal to those on disk', () => {
    const { state, reader } = countedLog()
    state.head = 5
    const following = createFollowers(reader)
    const filter = { categories: ['user'], types: ['Ended'] }
    following.written(rows('user-1', ['Begun', 'Ended'], 7))
    following.written(rows('client-1', ['Ended'], 8))
    following.written(rows('user-2', ['Ended', 'Begun'], 10))
    const { page } = following.log(filter)
    const told = (after: number) => {
      const { events, through, atEnd } = page(positionOf(after), filter)
      return { at: events.map(({ position }) => Number(position)), through: Number(through), atEnd }
    }
    expect(told(5)).toEqual({ at: [7, 9], through: 10, atEnd: true })
    expect(told(7)).toEqual({ at: [9], through: 10, atEnd: true })
    expect(told(9)).toEqual({ at: [], through: 10, atEnd: true })
    expect(state.reads).toBe(0)
    told(4)
    expect(state.reads).toBe(1)
  })

  test('wait for an event on disk until it is noted, with any filter', async () => {
    for (const filter of [undefined, {}, { types: ['Ended'] }]) {
      const { state, reader } = countedLog()
      const log = createFollowers(reader).log(filter)
      state.head = 1
      const done = new AbortController()
      let isAwake = false
      const asleep = log.more(START, done.signal).then(() => (isAwake = !done.signal.aborted))
      await new Promise((resolve) => setImmediate(resolve))
      done.abort()
      await asleep
      expect(isAwake).toBe(false)
    }
  })

  test('advance to the end of the log when they are roused', async () => {
    const { state, reader } = countedLog()
    const following = createFollowers(reader)
    const { page, more } = following.log({ types: ['Ended'] })
    const woken = more(START, new AbortController().signal)
    state.head = 1
    following.written(rows('user-1', ['Begun'], 1))
    following.committed()
    following.rouse()
    await woken
    expect(page(START, undefined).through).toBe(positionOf(1))
  })
})
