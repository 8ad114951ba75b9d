import { Conflict, inMemoryEventStore, UnknownOutcome, type EventStore } from '@ledgate/eventsourcing'
import type { Sealed, Sealer } from '@ledgate/vault'
import { describe, expect, it } from 'vitest'
import type { CommandContext } from './envelope.ts'
import { openEventLog } from './event-log.ts'
import { type MailEvent } from '../mail/events.ts'
import { mailStream } from '../mail/index.ts'
import { catalogue } from '../catalogue/index.ts'

const sealer: Sealer = {
  createDataKey: async () => 'k1',
  seal: async (dataKey, field, plaintext) => `sealed.${dataKey}.${field}.${plaintext.length}` as Sealed,
  unseal: async () => '',
  destroyDataKey: async () => {},
}

const context: CommandContext = {
  commandId: 'command-1',
  correlationId: 'request-1',
  causationId: 'request-1',
  actor: { type: 'client', id: 'c_1' },
  clientId: 'c_1',
  source: { hash: 'h', text: '127.0.0.0/16 curl' },
}

const sent: MailEvent = { type: 'MailSent', data: { mail_id: '0'.repeat(32) } }
const redeemed: MailEvent = { type: 'LinkRedeemed', data: { mail_id: '0'.repeat(32) } }

describe('the log', () => {
  it('gives back what was appended, newest first, with who did it and why', async () => {
    const log = openEventLog({ store: inMemoryEventStore(), sealer, catalogue })
    await log.append(mailStream.of('1'), [sent, redeemed], { expected: 'noStream', context })
    const [newest, older] = await log.last(mailStream.of('1'), 2)
    expect([newest?.type, older?.type]).toEqual(['LinkRedeemed', 'MailSent'])
    expect(newest).toMatchObject({
      data: redeemed.data,
      revision: 1n,
      envelope: { schema: 1, actor: context.actor, client_id: 'c_1', source: context.source },
    })
  })

  it('has nothing to say of a stream that is not there', async () => {
    expect(await openEventLog({ store: inMemoryEventStore(), sealer, catalogue }).last(mailStream.of('1'))).toEqual([])
  })

  it('seals the source of an event that is about a person', async () => {
    const log = openEventLog({ store: inMemoryEventStore(), sealer, catalogue })
    await log.append(mailStream.of('1'), [sent], { expected: 'noStream', context, dataKey: 'k1' })
    const [event] = await log.last(mailStream.of('1'))
    expect(event?.envelope.source).toMatch(/^sealed\.k1\.source\./)
  })

  it('refuses what the catalogue does not know: another type, a member too many, a member missing', async () => {
    const log = openEventLog({ store: inMemoryEventStore(), sealer, catalogue })
    const wrong = [
      { type: 'MailEaten', data: {} },
      { type: 'MailSent', data: { mail_id: '0'.repeat(32), password: 'x' } },
      { type: 'MailSent', data: {} },
    ] as unknown as MailEvent[]
    for (const event of wrong)
      await expect(log.append(mailStream.of('1'), [event], { expected: 'noStream', context })).rejects.toThrow()
    expect(await log.last(mailStream.of('1'))).toEqual([])
  })

  it('makes the same events of the same command, so a repeated command changes nothing', async () => {
    const log = openEventLog({ store: inMemoryEventStore(), sealer, catalogue })
    const first = await log.append(mailStream.of('1'), [sent], { expected: 'noStream', context })
    expect(await log.append(mailStream.of('1'), [sent], { expected: 'noStream', context })).toEqual(first)
    const other = log.append(mailStream.of('1'), [sent], {
      expected: 'noStream',
      context: { ...context, commandId: 'command-2' },
    })
    await expect(other).rejects.toBeInstanceOf(Conflict)
  })

  it('gives events of one command in two streams different ids', async () => {
    const log = openEventLog({ store: inMemoryEventStore(), sealer, catalogue })
    await log.append(mailStream.of('1'), [sent], { expected: 'noStream', context })
    await log.append(mailStream.of('2'), [sent], { expected: 'noStream', context })
    const [[one], [two]] = [await log.last(mailStream.of('1')), await log.last(mailStream.of('2'))]
    expect(one?.id).not.toBe(two?.id)
  })

  it('settles an unknown outcome with the very same events', async () => {
    const memory = inMemoryEventStore()
    let lost = 2
    const store: EventStore = {
      ...memory,
      async append(stream, events, options) {
        const result = await memory.append(stream, events, options)
        if (lost-- > 0) throw new UnknownOutcome('the answer was lost')
        return result
      },
    }
    const log = openEventLog({ store, sealer, catalogue })
    expect(await log.append(mailStream.of('1'), [sent], { expected: 'noStream', context })).toMatchObject({
      revision: 0n,
    })
    expect(await log.last(mailStream.of('1'), 10)).toHaveLength(1)
  })
})
