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
const asked = (command: SessionCommand) => ({ command, context: context() })
const sealer = { createDataKey: async () => '', seal: async () => '' as never, unseal: async () => '' }

function world() {
  const store = inMemoryEventStore()
  const open = () => openEventLog({ store, sealer: sealer as never, catalogue })
  const [log, other] = [open(), open()]
  const stream = sessionStream.of('1'.repeat(32))
  const handled = { stream, decider: session }
  const types = async () => (await log.last(stream, 9)).map(({ type }) => type)
  return { log, other, handled, types }
}

describe('handle', () => {
  it('appends what the decider decides, and returns the state before and after', async () => {
    const { log, handled, types } = world()
    const started = await handle(log, handled, () => asked(START))
    expect([started.before, started.state?.ended]).toEqual([undefined, 'no'])
    const ended = await handle(log, handled, () => asked(end))
    expect([ended.before?.ended, ended.state?.ended]).toEqual(['no', 'ended'])
    expect(await types()).toEqual(['SessionEnded', 'SessionStarted'])
  })

  it('appends nothing for a command that changes nothing, and for none', async () => {
    const { log, handled, types } = world()
    const changed = await handle(log, handled, () => asked(end))
    expect(changed).toMatchObject({ before: undefined, state: undefined, position: undefined })
    const nothing = await handle(log, handled, () => undefined)
    expect(nothing).toEqual({ before: undefined, state: undefined, asked: undefined, position: undefined })
    expect(await types()).toEqual([])
  })

  it('decides again from the newest state when another process was first', async () => {
    const { log, other, handled, types } = world()
    await handle(log, handled, () => asked(START))
    const seen: (string | undefined)[] = []
    const { position } = await handle(log, handled, async ({ state, race }) => {
      seen.push(state?.ended)
      if (race === 0) await handle(other, handled, () => asked(end))
      return asked({ type: 'Revoke', reason: 'late' })
    })
    expect([seen, position]).toEqual([['no', 'ended'], undefined])
    expect(await types()).toEqual(['SessionEnded', 'SessionStarted'])
  })

  it('takes a state that was read before for its first try only', async () => {
    const { log, handled, types } = world()
    await handle(log, handled, () => asked(START))
    const known = await readState(log, handled)
    await handle(log, handled, () => asked(touch))
    const seen: (number | undefined)[] = []
    const signOut = ({ state }: { readonly state: { readonly touched_at: number } | undefined }) => {
      seen.push(state?.touched_at)
      return asked(end)
    }
    await handle(log, handled, signOut, known)
    expect(seen).toEqual([1_000, 1_400])
    expect(await types()).toEqual(['SessionEnded', 'SessionTouched', 'SessionStarted'])
  })

  it('runs the commands on a queued stream one after the other, in the order of asking', async () => {
    const { log, handled } = world()
    const seen: string[] = []
    const run = (name: string) =>
      handle(log, { ...handled, isQueued: true }, async ({ race }) => {
        seen.push(`${name} ${race}`)
        await new Promise(setImmediate)
        return asked(name === 'first' ? START : end)
      })
    await Promise.all([run('first'), run('second'), run('third')])
    expect(seen).toEqual(['first 0', 'second 0', 'third 0'])
  })

  it('takes what a command needs of other streams once it is decided, and not for one that is refused', async () => {
    const { log, handled } = world()
    let taken = 0
    const take = async () => {
      taken += 1
      return context()
    }
    await handle(log, handled, () => ({ command: end, context: take }))
    expect(taken).toBe(0)
    await handle(log, handled, () => ({ command: START, context: take }))
    expect(taken).toBe(1)
  })
})
