import { copyFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { expect, it, vi } from 'vitest'
import { controls, rounds } from '../../../rounds.ts'
import { eventsOf, halfDone, issuedIn } from '../src/log.ts'
import { newMemory, type Memory, PASSWORD, users } from '../src/oracle.ts'
import { requestsTo } from '../src/requests.ts'
import { type Installation, newInstallation, startServer } from '../src/server.ts'

const ROUNDS = rounds({ quick: 2, long: 20, soak: 50 })
/** Of registrations that are killed in the middle. */
const STORMS = rounds({ quick: 1, long: 8 })
const AT_ONCE = 64

/** Milliseconds from being ready to the kill: long enough for some work, and never the same. */
const roundMs = () => 150 + Math.random() * 750

/** Looking at everything that was acknowledged would take longer than the run. */
const LOOKED_AT = rounds({ quick: 10, long: 300 })

/** Whether each kind of work was done, and an answer was lost. */
const isVaried = ({ issued, registered, revoked, repeated }: Memory) =>
  [issued.size, registered.size, revoked.size, repeated].every((done) => done > 0)

/**
 * Kills the server under load, again and again; it gets no help but being started. Leaves it killed.
 *
 * @param isEnough the last round goes on until then: a slow machine does little in the time of one.
 */
async function storm(
  installation: Installation,
  rounds: number,
  isEnough: (memory: Memory) => boolean = () => true,
): Promise<Memory> {
  const memory = newMemory()
  const over = new AbortController()
  let load: Promise<unknown> | undefined
  for (let round = 1; !over.signal.aborted; round += 1) {
    const server = await startServer(installation)
    load ??= users(requestsTo(installation.url), memory, over.signal)
    await pause(roundMs())
    if (round >= rounds) {
      await vi.waitUntil(() => isEnough(memory), 300_000)
      over.abort()
    }
    await server.kill()
  }
  await load
  return memory
}

const last = <Item>(items: Iterable<Item>) => [...items].slice(-LOOKED_AT)

it(`loses nothing that it acknowledged, leaves nothing half-done, and answers again what was lost, killed ${ROUNDS} times`, async () => {
  const installation = await newInstallation()
  const memory = await storm(installation, ROUNDS, isVaried)
  expect(memory.broken).toEqual([])

  const server = await startServer(installation)
  for (const [refreshToken, refresh_attempt] of memory.renewable)
    expect((await server.refresh(refreshToken, { refresh_attempt })).status).toBe(200)
  for (const token of last(memory.revoked)) expect(await server.introspect(token)).toEqual({ active: false })
  const live = [...memory.issued.values()].filter((token) => !memory.doomed.has(token))
  for (const token of last(live)) expect(await server.introspect(token)).toMatchObject({ active: true })
  for (const email of last(memory.registered)) {
    const confirmation = { token: await server.mailed(email), password: PASSWORD }
    expect((await server.json('/accounts/confirm', confirmation)).status).toBe(200)
    expect((await server.signIn({ email, password: PASSWORD })).status).toBe(200)
  }
  await server.stop()

  const events = await eventsOf(installation)
  const known = issuedIn(events)
  expect([...memory.issued.keys()].filter((jti) => !known.has(jti))).toEqual([])
  expect(halfDone(events)).toEqual([])
}, 900_000)

it(`makes one account of ${AT_ONCE} registrations of one address, killed in the middle of them, and nothing stuck`, async () => {
  const installation = await newInstallation()
  let acknowledged = 0
  for (let round = 0; round < STORMS; round += 1) {
    const email = `storm-${round}@example.com`
    const first = await startServer(installation)
    const asking = Array.from({ length: AT_ONCE }, (_, index) =>
      first.json('/accounts', { email, password: `${PASSWORD} ${index}` }),
    )
    const answers = Promise.allSettled(asking)
    // Every other time as soon as somebody has heard, else before anybody can have.
    await (round % 2 === 0 ? Promise.any(asking) : pause(Math.random() * 100))
    await first.kill()
    const isAcknowledged = (await answers).some(
      (answer) => answer.status === 'fulfilled' && answer.value.status === 202,
    )
    if (isAcknowledged) acknowledged += 1

    const second = await startServer(installation)
    if (!isAcknowledged) expect((await second.json('/accounts', { email, password: PASSWORD })).status).toBe(202)
    const proof = { token: await second.mailed(email), new_password: PASSWORD }
    expect((await second.json('/accounts/confirm', proof)).status).toBe(200)
    expect((await second.signIn({ email, password: PASSWORD })).status).toBe(200)
    expect(await second.stop()).toBe(0)
  }
  expect(acknowledged).toBeGreaterThanOrEqual(STORMS / 2)
  const events = await eventsOf(installation)
  const count = (type: string) => events.filter((event) => event.type === type).length
  // Theirs, and the one of the bootstrap file.
  expect([count('EmailConfirmed'), count('UserRegistered'), count('EmailVerified')]).toEqual(
    Array.from({ length: 3 }, () => STORMS + 1),
  )
  expect(halfDone(events)).toEqual([])
})

controls(() =>
  it('would be found out if it lost what it acknowledged: the control, a log whose last commits are taken away', async () => {
    const installation = await newInstallation()
    const [log, kept] = [join(installation.dataDir, 'events.db'), join(installation.folder, 'events.db')]
    const parts = ['', '-wal', '-shm']
    await storm(installation, 1)
    for (const part of parts) copyFileSync(`${log}${part}`, `${kept}${part}`)
    const { issued } = await storm(installation, 1, (memory) => memory.issued.size > 0)
    const missing = async () => {
      const known = issuedIn(await eventsOf(installation))
      return [...issued.keys()].filter((jti) => !known.has(jti))
    }
    expect(await missing()).toEqual([])
    for (const part of parts) copyFileSync(`${kept}${part}`, `${log}${part}`)
    expect((await missing()).length).toBeGreaterThan(0)
  }),
)
