import { inMemoryEventStore } from '@ledgate/eventsourcing'
import { describe, expect, it } from 'vitest'
import { ANN, openHousehold } from '../testing/household.ts'
import { newId } from '../log/index.ts'
import { command } from '../testing/parts.ts'
import { createLoginRecord } from './login-record.ts'
import { type LoginRecordLimits } from '../config/index.ts'
import { readUser, type UserState } from '../user/index.ts'

const LIMITS: LoginRecordLimits = { perAccountAndHour: 6, perSecond: 50, summaryEvery: 60 }

async function recording(people = 1, limits = LIMITS) {
  const house = await openHousehold()
  const { log, clock, accounts } = house
  const users: UserState[] = []
  for (let person = 0; person < people; person += 1) {
    const { sub } = await accounts.create({ ...ANN, email: `person-${person}@example.com` }, command())
    const found = await readUser(log, sub)
    if (found === undefined) throw new Error('nobody was made')
    users.push(found.state)
  }
  const errors: unknown[] = []
  const onError = (error: unknown) => void errors.push(error)
  const record = createLoginRecord({ log, clock, newId, limits, onError })
  const fail = async (user: UserState, times: number) => {
    for (let time = 0; time < times; time += 1) {
      record.failed(user, { reason: 'the password is wrong', context: command() })
      await record.settled()
    }
  }
  const written = async () => {
    const events: { type: string; data: object }[] = []
    for await (const { type, data } of log.store.readAll({ filter: { categories: ['login'] } }))
      events.push({ type, data })
    return events
  }
  return { house, users, record, fail, written, clock, errors }
}

describe('failed sign-ins', () => {
  it('are events at the 1st, 2nd, 4th, 8th … one, and so is the success that ends them', async () => {
    const { users, record, fail, written } = await recording()
    const [ann] = users
    if (ann === undefined) throw new Error('nobody')
    await fail(ann, 11)
    record.succeeded(ann, command())
    await record.settled()
    record.succeeded(ann, command())
    await record.settled()
    expect((await written()).map(({ type, data }) => [type, 'failures' in data && data.failures])).toEqual([
      ['LoginFailed', 1],
      ['LoginFailed', 2],
      ['LoginFailed', 4],
      ['LoginFailed', 8],
      ['LoginSucceeded', false],
    ])
  })

  it('are counted on by another process that knows only the log', async () => {
    const { house, users, fail, written } = await recording()
    const [ann] = users
    if (ann === undefined) throw new Error('nobody')
    await fail(ann, 4)
    const other = createLoginRecord({ log: house.log, clock: house.clock, newId, limits: LIMITS, onError: () => {} })
    for (let time = 0; time < 4; time += 1) {
      other.failed(ann, { reason: 'the password is wrong', context: command() })
      await other.settled()
    }
    expect((await written()).at(-1)?.data).toMatchObject({ failures: 8 })
  })

  it('are at most six events an hour for each account, and fifty a second for all, and then one summary a minute', async () => {
    const { users, record, fail, written, clock } = await recording(100)
    const [ann] = users
    if (ann === undefined) throw new Error('nobody')
    for (let time = 0; time < 20; time += 1) {
      await fail(ann, 1)
      record.succeeded(ann, command())
      await record.settled()
      clock.advance(1)
    }
    const ofAnn = (await written()).filter(({ type }) => type !== 'LoginFailuresWithheld')
    expect(ofAnn).toHaveLength(6)
    clock.advance(100)
    const before = (await written()).length
    for (const user of users.slice(1)) record.failed(user, { reason: 'the password is wrong', context: command() })
    await record.settled()
    expect((await written()).length - before).toBeLessThanOrEqual(50 + 1)
    clock.advance(61)
    await fail(ann, 1)
    const summaries = (await written()).filter(({ type }) => type === 'LoginFailuresWithheld')
    expect(summaries.length).toBeGreaterThan(0)
    expect(summaries.length).toBeLessThanOrEqual(5)
  })

  it('never delay or fail a sign-in when they cannot be written', async () => {
    const house = await openHousehold()
    await house.create()
    const store = inMemoryEventStore()
    const errors: unknown[] = []
    const broken = { ...house.log, append: () => Promise.reject(new Error('the disk is full')), store }
    const record = createLoginRecord({
      log: broken,
      clock: house.clock,
      newId,
      onError: (error) => void errors.push(error),
    })
    const found = await readUser(house.log, String(await house.accounts.findSub(ANN.email)))
    if (found === undefined) throw new Error('nobody')
    expect(record.failed(found.state, { reason: 'x', context: command() })).toBeUndefined()
    await record.settled()
    expect(errors).toHaveLength(1)
  })
})
