import { inMemoryEventStore } from '@ledgate/eventsourcing'
import { describe, expect, it } from 'vitest'
import { grantStream } from '../grant/index.ts'
import { ADMINISTRATORS } from '../admin/administrators/events.ts'
import { sessionStream } from '../session/events.ts'
import { openEventLog } from './event-log.ts'
import type { CommandContext } from './envelope.ts'
import { catalogue } from '../catalogue/index.ts'

const context: CommandContext = {
  commandId: 'c',
  correlationId: 'c',
  causationId: 'c',
  actor: { type: 'system', id: 'test' },
}
const sealer = { createDataKey: async () => '', seal: async () => '' as never, unseal: async () => '' }

describe('a stream', () => {
  it('is named by its category and the id of what it is about', () => {
    expect([grantStream.of('g1'), ADMINISTRATORS]).toEqual(['grant-g1', 'administrators'])
  })

  it('takes only events that are declared for it: anything else does not compile', () => {
    const log = openEventLog({ store: inMemoryEventStore(), sealer: sealer as never, catalogue })
    const ended = { type: 'MailSent', data: { mail_id: '0'.repeat(32) } } as const
    const neverCalled = [
      // @ts-expect-error an event of another stream
      () => log.append(sessionStream.of('s1'), [ended], { expected: 'any', context }),
      // @ts-expect-error a name that no declaration made
      () => log.append('session-s1', [ended], { expected: 'any', context }),
      // @ts-expect-error what is recorded is of the stream, too
      () => log.record(sessionStream.of('s1'), ended, { context }),
    ]
    expect(neverCalled.length).toBe(3)
  })
})
