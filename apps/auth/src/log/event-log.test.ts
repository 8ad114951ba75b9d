import { Conflict, inMemoryEventStore, UnknownOutcome, type EventStore } from '@ledgate/eventsourcing'
import type { Sealed, Sealer } from '@ledgate/vault'
import { describe, expect, it } from 'vitest'
import type { DomainEvent } from './catalogue.ts'
import type { CommandContext } from './envelope.ts'
import { eventLog } from './event-log.ts'

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

const sent: DomainEvent = { type: 'MailSent', data: { mail_id: '0'.repeat(32) } }
const released: DomainEvent = { type: 'EmailReleased', data: { reservation_id: '1'.repeat(32), reason: 'expired' } }

describe('the log', () => {
  it('gives back what was appended, newest first, with who did it and why', async () => {
    const log = eventLog(inMemoryEventStore(), sealer)
    await log.append('mail-1', [sent, released], { expected: 'noStream', context })
    const [newest, older] = await log.last('mail-1', 2)
    expect([newest?.type, older?.type]).toEqual(['EmailReleased', 'MailSent'])
    expect(newest).toMatchObject({
      data: released.data,
      revision: 1n,
      envelope: { schema: 1, actor: context.actor, client_id: 'c_1', source: context.source },
    })
  })

  it('has nothing to say of a stream that is not there', async () => {
    expect(await eventLog(inMemoryEventStore(), sealer).last('mail-1')).toEqual([])
  })

  it('seals the source of an event that is about a person', async () => {
    const log = eventLog(inMemoryEventStore(), sealer)
    await log.append('mail-1', [sent], { expected: 'noStream', context, dataKey: 'k1' })
    const [event] = await log.last('mail-1')
    expect(event?.envelope.source).toMatch(/^sealed\.k1\.source\./)
  })

  it('refuses what the catalogue does not know: another type, a member too many, a member missing', async () => {
    const log = eventLog(inMemoryEventStore(), sealer)
    const wrong = [
      { type: 'MailEaten', data: {} },
      { type: 'MailSent', data: { mail_id: '0'.repeat(32), password: 'x' } },
      { type: 'MailSent', data: {} },
    ] as unknown as DomainEvent[]
    for (const event of wrong)
      await expect(log.append('mail-1', [event], { expected: 'noStream', context })).rejects.toThrow()
    expect(await log.last('mail-1')).toEqual([])
  })

  it('makes the same events of the same command, so a repeated command changes nothing', async () => {
    const log = eventLog(inMemoryEventStore(), sealer)
    const first = await log.append('mail-1', [sent], { expected: 'noStream', context })
    expect(await log.append('mail-1', [sent], { expected: 'noStream', context })).toEqual(first)
    const other = log.append('mail-1', [sent], {
      expected: 'noStream',
      context: { ...context, commandId: 'command-2' },
    })
    await expect(other).rejects.toBeInstanceOf(Conflict)
  })

  it('gives events of one command in two streams different ids', async () => {
    const log = eventLog(inMemoryEventStore(), sealer)
    await log.append('mail-1', [sent], { expected: 'noStream', context })
    await log.append('mail-2', [sent], { expected: 'noStream', context })
    const [[one], [two]] = [await log.last('mail-1'), await log.last('mail-2')]
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
    const log = eventLog(store, sealer)
    expect(await log.append('mail-1', [sent], { expected: 'noStream', context })).toMatchObject({ revision: 0n })
    expect(await log.last('mail-1', 10)).toHaveLength(1)
  })
})
