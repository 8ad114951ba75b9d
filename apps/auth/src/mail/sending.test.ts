import { describe, expect, it } from 'vitest'
import { everythingIn, command } from '../testing/parts.ts'
import { ANN, openHousehold, inMemoryCheckpoints, ISSUER } from '../testing/household.ts'
import { newId } from '../log/index.ts'
import { type Mailer, MailUndelivered } from './mailer.ts'
import type { Mail } from './render.ts'
import { requestMail } from './request.ts'
import { openMailSending } from './sending.ts'

const DAY = 86_400

/** A mail server that does as it is told, try by try; 'ok' from then on. */
function server(...says: readonly ('ok' | 'later' | 'never')[]) {
  const tries: Mail[] = []
  const mailer: Mailer = {
    async send(mail) {
      const said = says[tries.length] ?? 'ok'
      tries.push(mail)
      if (said !== 'ok') throw new MailUndelivered('450 not now', said === 'never')
    },
    close: async () => {},
  }
  return { tries, mailer }
}

/** Somebody registered; sends their mail until the given number of tries, or a little longer than it should take. */
async function sendingTo({ tries, mailer }: ReturnType<typeof server>, advance = 0) {
  const house = await openHousehold()
  await house.registration.register(ANN, command())
  await house.finish()
  house.clock.advance(advance)
  const done = new AbortController()
  const sending = openMailSending({
    log: house.log,
    sealer: house.sealer,
    linkKeys: house.derivationKeys,
    mailer,
    checkpoints: inMemoryCheckpoints(),
    clock: house.clock,
    issuer: ISSUER,
    newId,
    onError: () => {},
    retryAt: [60, 300, 900, DAY],
    lookEveryMs: 1,
  })
  const run = (signal: AbortSignal) => sending.run(signal)
  const running = run(done.signal)
  const types = async () => {
    const found: string[] = []
    for await (const { type } of house.store.readAll({ filter: { categories: ['mail'] } })) found.push(type)
    return found
  }
  let moved = 0
  await expect
    .poll(async () => {
      const found = await types()
      const isOver = found.some((type) => /^Mail(Sent|Failed)$/.test(type))
      // The time of each try comes once the one before it was made.
      if (!isOver && tries.length > moved) house.clock.advance([60, 240, 600][moved++] ?? DAY)
      return found
    })
    .toContainEqual(expect.stringMatching(/^Mail(Sent|Failed)$/))
  done.abort()
  await running
  return { house, tries, types: await types(), run }
}

describe('a mail that was asked for', () => {
  it('leaves once, and that is an event; following the log again sends nothing', async () => {
    const mails = server()
    const { house, types, run, tries } = await sendingTo(mails)
    expect(types).toEqual(['MailRequested', 'MailSent'])
    expect(tries.map(({ to }) => to)).toEqual([ANN.email])
    const again = new AbortController()
    const running = run(again.signal) // from the start: its checkpoint was another process's
    // What was asked for behind it leaves, and it does not again.
    await house.registration.register({ ...ANN, email: 'bob@example.com' }, command())
    await house.finish()
    await expect.poll(() => tries.map(({ to }) => to)).toEqual([ANN.email, 'bob@example.com'])
    again.abort()
    await running
    expect(tries).toHaveLength(2)
  })

  it('is tried again with the same id and the same link until a server takes it', async () => {
    const { tries, types } = await sendingTo(server('later', 'later', 'later', 'ok'))
    expect(types).toEqual(['MailRequested', 'MailSent'])
    expect(tries).toHaveLength(4)
    expect(new Set(tries.map(({ id, token }) => `${id} ${token}`)).size).toBe(1)
  })

  it('is given up when the address is refused for good, and that is an event', async () => {
    const { tries, types } = await sendingTo(server('never'))
    expect([types, tries.length]).toEqual([['MailRequested', 'MailFailed'], 1])
  })

  it('is given up when its link would be dead on arrival', async () => {
    const { tries, types } = await sendingTo(server(), DAY + 1)
    expect([types, tries.length]).toEqual([['MailRequested', 'MailFailed'], 0])
  })

  it('is nowhere in the log: neither its address nor its link', async () => {
    const { house, tries } = await sendingTo(server('later'))
    const everything = await everythingIn(house.store)
    expect(everything).not.toContain(ANN.email)
    expect(everything).not.toContain(String(tries[0]?.token?.split('.').at(-1)))
  })
})

/** Many mails to addresses that no server takes now, and who sends them: processes over one log, one after the other. */
async function crowd(many: number) {
  const house = await openHousehold()
  const tried = new Map<string, number[]>()
  const mailer: Mailer = {
    async send(mail) {
      tried.set(mail.to, [...(tried.get(mail.to) ?? []), house.clock.now()])
      if (mail.to.startsWith('away')) throw new MailUndelivered('EENVELOPE 450', false)
    },
    close: async () => {},
  }
  const checkpoints = inMemoryCheckpoints()
  const ask = async (to: string) => {
    const dataKey = await house.sealer.createDataKey()
    const mail = { mailId: newId(), template: 'address-taken', to, dataKey, isOwnKey: true } as const
    await requestMail(house.log, house.sealer, { ...mail, context: command() })
  }
  for (let each = 0; each < many; each += 1) await ask(`away-${each}@example.com`)
  const away = () => [...tried].filter(([to]) => to.startsWith('away'))
  function start() {
    const { log, sealer, derivationKeys: linkKeys, clock } = house
    const done = new AbortController()
    const quick = { retryAt: [60, 300, 900, DAY], lookEveryMs: 1, issuer: ISSUER, newId, onError: () => {} }
    const sending = openMailSending({ ...quick, log, sealer, linkKeys, mailer, checkpoints, clock })
    const running = sending.run(done.signal)
    const stop = async () => {
      done.abort()
      await running
    }
    return { state: sending.state, stop }
  }
  return { house, tried, away, ask, start, checkpoints }
}

describe('emails that cannot be sent now', () => {
  it('delay no other email, also after a restart, and are not retried more often for it', async () => {
    const { ask, start, tried, away, checkpoints, house } = await crowd(100)
    const first = start()
    await expect.poll(() => first.state().waiting).toBe(100)
    await ask('bob@example.com')
    await expect.poll(() => tried.has('bob@example.com'), { message: 'others wait behind them' }).toBe(true)
    await expect.poll(() => checkpoints.load('mail'), { message: 'they hold up the checkpoint' }).not.toBe('')
    await first.stop()
    const second = start()
    await expect.poll(() => second.state().waiting, { message: 'who goes on knows of none' }).toBe(100) // nothing of them was tried: it learned of them
    await ask('carol@example.com')
    await expect.poll(() => tried.has('carol@example.com'), { message: 'others wait behind them' }).toBe(true)
    await expect.poll(async () => (await checkpoints.load('mail')) === (await house.store.head())).toBe(true)
    await second.stop()
    expect(away().every(([, times]) => times.length === 1)).toBe(true)
  })

  it('are tried again at ages that grow apart, once at each, whichever process runs then, and then given up', async () => {
    const { start, away, house } = await crowd(70)
    const begun = house.clock.now()
    let process = start()
    const tries = async (many: number) => {
      const tried = () => away().filter(([, times]) => times.length >= many).length
      await expect.poll(tried, { message: `not all had ${many} tries` }).toBe(70)
    }
    await tries(1)
    for (const [many, seconds] of [
      [2, 60],
      [3, 240],
      [4, 600],
    ] as const) {
      await process.stop()
      process = start()
      house.clock.advance(seconds)
      await tries(many)
    }
    house.clock.advance(DAY)
    await expect.poll(() => process.state().givenUp, { message: 'they are not given up' }).toBe(70)
    await process.stop()
    for (const [, times] of away()) expect(times.map((at) => at - begun)).toEqual([0, 60, 300, 900])
  })

  it('are tried once, not many times, by a process that was away while several of their times went by', async () => {
    const { start, away, house } = await crowd(70)
    const first = start()
    await expect.poll(() => first.state().waiting, { message: 'the first try was not made' }).toBe(70)
    await first.stop()
    house.clock.advance(400)
    const second = start()
    await expect.poll(() => second.state().waiting, { message: 'they were not tried again' }).toBe(70)
    await second.stop()
    expect(away().every(([, times]) => times.length === 2)).toBe(true)
  })
})
