import { describe, expect, it } from 'vitest'
import { everythingIn, command } from '../testing/parts.ts'
import { ANN, household, inMemoryCheckpoints, ISSUER, newId } from '../testing/household.ts'
import { type Mailer, MailUndelivered } from './mailer.ts'
import type { Mail } from './render.ts'
import { mailSending } from './sending.ts'

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
  const house = await household()
  await house.registration.register(ANN, command())
  await house.finish()
  house.clock.advance(advance)
  const done = new AbortController()
  const sending = mailSending({
    log: house.log,
    sealer: house.sealer,
    linkKeys: house.derivationKeys,
    mailer,
    checkpoints: inMemoryCheckpoints(),
    clock: house.clock,
    issuer: ISSUER,
    newId,
    onError: () => {},
    firstPauseMs: 1,
  })
  const run = (signal: AbortSignal) => sending.run(signal)
  const running = run(done.signal)
  const types = async () => {
    const found: string[] = []
    for await (const { type } of house.store.readAll({ filter: { categories: ['mail'] } })) found.push(type)
    return found
  }
  await expect.poll(types).toContainEqual(expect.stringMatching(/^Mail(Sent|Failed)$/))
  done.abort()
  await running
  return { house, tries, types: await types(), run }
}

describe('a mail that was asked for', () => {
  it('leaves once, and that is an event; following the log again sends nothing', async () => {
    const mails = server()
    const { types, run, tries } = await sendingTo(mails)
    expect(types).toEqual(['MailRequested', 'MailSent'])
    expect(tries.map(({ to }) => to)).toEqual([ANN.email])
    const again = new AbortController()
    const running = run(again.signal) // from the start: its checkpoint was another process's
    await new Promise((later) => setTimeout(later, 50))
    again.abort()
    await running
    expect(tries).toHaveLength(1)
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
