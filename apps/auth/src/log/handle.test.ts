import { inMemoryEventStore } from '@ledgate/eventsourcing'
import { describe, expect, it } from 'vitest'
import { session, type SessionCommand } from '../session/session.decider.ts'
import { sessionStream } from '../session/events.ts'
import { command as context } from '../testing/parts.ts'
import { openEventLog } from './event-log.ts'
import { handle, readState } from './handle.ts'
import { catalogue } from '../catalogue/index.ts'

const START: SessionCommand = {
  ...({ type: 'Start', sid: '1'.repeat(32), sub: `u_${'2'.repeat(32)}`, userEpoch: 0 } as const),
  ...{ amr: ['pwd'], now: 1_000, idleFor: 600, lastsFor: 6_000 },
}
const end = { type: 'End', reason: 'signed out' } as const
const touch = { type: 'Touch', now: 1_400, idleFor: 600 } as const
const sealer = { createDataKey: async () => '', seal: async () => '' as never, unseal: async () => '' }

function world() {
  const log = openEventLog({ store: inMemoryEventStore(), sealer: sealer as never, catalogue })
  const stream = sessionStream.of('1'.repeat(32))
  const handled = { stream, decider: session }
  const types = async () => (await log.last(stream, 9)).map(({ type }) => type)
  return { log, handled, types }
}

describe('handle', () => {
  it('appends what the decider decides, and returns the state before and after', async () => {
    const { log, handled, types } = world()
    const started = await handle(log, handled, () => START, { context: context() })
    expect([started.before, started.state?.ended]).toEqual([undefined, 'no'])
    const ended = await handle(log, handled, () => end, { context: context() })
    expect([ended.before?.ended, ended.state?.ended]).toEqual(['no', 'ended'])
    expect(await types()).toEqual(['SessionEnded', 'SessionStarted'])
  })

  it('appends nothing for a command that changes nothing, and for none', async () => {
    const { log, handled, types } = world()
    for (const make of [() => end, () => undefined]) {
      const outcome = await handle(log, handled, make, { context: context() })
      expect(outcome).toEqual({ before: undefined, state: undefined, position: undefined })
    }
    expect(await types()).toEqual([])
  })

  it('decides again from the newest state when another command was first', async () => {
    const { log, handled, types } = world()
    await handle(log, handled, () => START, { context: context() })
    const seen: (string | undefined)[] = []
    const revoke = async (state: { readonly ended: string } | undefined) => {
      seen.push(state?.ended)
      if (seen.length === 1) await handle(log, handled, () => end, { context: context() })
      return { type: 'Revoke', reason: 'late' } as const
    }
    const { position } = await handle(log, handled, revoke, { context: context() })
    expect([seen, position]).toEqual([['no', 'ended'], undefined])
    expect(await types()).toEqual(['SessionEnded', 'SessionStarted'])
  })

  it('takes a state that was read before for its first try only', async () => {
    const { log, handled, types } = world()
    await handle(log, handled, () => START, { context: context() })
    const known = await readState(log, handled)
    await handle(log, handled, () => touch, { context: context() })
    const seen: (number | undefined)[] = []
    const make = (state: { readonly touched_at: number } | undefined) => {
      seen.push(state?.touched_at)
      return end
    }
    await handle(log, handled, make, { context: context(), known })
    expect(seen).toEqual([1_000, 1_400])
    expect(await types()).toEqual(['SessionEnded', 'SessionTouched', 'SessionStarted'])
  })
})
