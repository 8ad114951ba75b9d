import type * as timers from 'node:timers/promises'
import { beforeEach, expect, it, vi } from 'vitest'
import { type Limits, limitsWith } from '../account/index.ts'
import { readConfig } from '../config.ts'
import { logger } from '../http/index.ts'
import { ANN, household, SOURCE } from '../testing/household.ts'
import { command } from '../testing/parts.ts'
import type { Core } from './core.ts'
import { openPeople } from './people.ts'

/** Milliseconds that something was made to wait for; nothing waits here. */
const waits: number[] = []
vi.mock('node:timers/promises', async (original) => ({
  ...(await original<typeof timers>()),
  setTimeout: async (ms: number) => void waits.push(ms),
}))
beforeEach(() => void waits.splice(0))

const config = readConfig({ LEDGATE_ISSUER: 'http://127.0.0.1:4040' })

async function people(limits: Limits) {
  const home = await household()
  const views = { projector: { checkpoints: home.checkpoints } }
  const core = { ...home, views, config: { ...config, limits }, logger: logger({ level: 'silent' }) }
  return openPeople(core as unknown as Core)
}

const asked = () => ({ ...command({ type: 'anonymous', id: '' }), source: SOURCE })

it('registrations and requests for a new password are answered at whole steps of answer_step_ms, refused ones too', async () => {
  const day = 86_400_000
  const { register, reset, close } = await people(limitsWith({ answer_step_ms: day }))
  const ends = async (work: Promise<unknown>) => {
    waits.splice(0)
    await work.catch(() => undefined)
    return waits.filter((ms) => ms > day / 2 && ms <= day).length
  }
  expect(await ends(register.register({ ...ANN, password: 'password' }, asked()))).toBe(1)
  expect(await ends(reset.ask(ANN.email, asked()))).toBe(1)
  await close()
})
