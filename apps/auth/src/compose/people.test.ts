import { expect, it } from 'vitest'
import { type Limits, limitsWith } from '../config/limits.ts'
import { readConfig } from '../config/index.ts'
import { createLogger } from '../http/index.ts'
import { ANN, openHousehold, SOURCE } from '../testing/household.ts'
import { command } from '../testing/parts.ts'
import type { Core } from './core.ts'
import { openUsers } from './people.ts'

const config = readConfig({ LEDGATE_ISSUER: 'http://127.0.0.1:4040' })

async function people(limits: Limits, wait: (ms: number) => Promise<unknown>) {
  const home = await openHousehold()
  const views = { projector: { checkpoints: home.checkpoints } }
  const core = { ...home, views, config: { ...config, limits }, logger: createLogger({ level: 'silent' }) }
  return openUsers(core as unknown as Core, wait)
}

const asked = () => ({ ...command({ type: 'anonymous', id: '' }), source: SOURCE })

it('registrations and requests for a new password are answered at whole steps of answer_step_ms, refused ones too', async () => {
  const day = 86_400_000
  const waits: number[] = []
  const wait = async (ms: number) => void waits.push(ms)
  const { register, reset, close } = await people(limitsWith({ answer_step_ms: day }), wait)
  const ends = async (work: Promise<unknown>) => {
    waits.splice(0)
    await work.catch(() => undefined)
    return waits.map((ms) => ms > day / 2 && ms <= day)
  }
  expect(await ends(register.register({ ...ANN, password: 'password' }, asked()))).toEqual([true])
  expect(await ends(reset.ask(ANN.email, asked()))).toEqual([true])
  await close()
})
