import { inMemoryEventStore, TooLarge } from '@ledgate/eventsourcing'
import { inMemorySealer } from '@ledgate/vault/testing'
import { expect, it } from 'vitest'
import { command } from '../testing/parts.ts'
import { openEventLog } from './event-log.ts'
import { MAX_GROWING_BYTES } from './room.ts'
import { clientStream } from '../client/events.ts'
import { catalogue } from '../catalogue/index.ts'

const log = () => openEventLog({ store: inMemoryEventStore(), sealer: inMemorySealer(), catalogue })
const state = (scope: string) => ({
  client: {
    ...{ client_id: 'c', client_id_issued_at: 1, epoch: 0, disabled: false, secrets: [] },
    metadata: {
      ...{ scope, redirect_uris: [], token_endpoint_auth_method: 'none', grant_types: [], response_types: [] },
    },
  },
})
const OVER_HALF = 'x'.repeat(MAX_GROWING_BYTES)

it('an event that would leave too little room for what ends it is refused, and nothing is written', async () => {
  const own = log()
  const event = { type: 'ClientRegistered', data: state(OVER_HALF) } as never
  const by = { expected: 'noStream', context: command() } as const
  await expect(own.append(clientStream.of('c'), [event], by)).rejects.toBeInstanceOf(TooLarge)
  await expect(own.record(clientStream.of('c'), event, { context: command() })).rejects.toBeInstanceOf(TooLarge)
  expect(await own.exists(clientStream.of('c'))).toBe(false)
})

it('what ends it may be larger', async () => {
  const own = log()
  const event = { type: 'ClientDisabled', data: { reason: 'r', ...state(OVER_HALF) } } as never
  await own.append(clientStream.of('c'), [event], { expected: 'noStream', context: command() })
  expect(await own.exists(clientStream.of('c'))).toBe(true)
})
