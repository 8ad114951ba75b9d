import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { createInterface } from 'node:readline'
import { afterEach, expect, it } from 'vitest'
import { openHousehold, inMemoryCheckpoints, ISSUER } from '../../src/testing/household.ts'
import { newId } from '../../src/log/index.ts'
import { command } from '../../src/testing/parts.ts'
import { type Mailer, createSmtpMailer } from '../../src/mail/mailer.ts'
import { requestMail } from '../../src/mail/request.ts'
import { openMailSending } from '../../src/mail/sending.ts'

const CROWD = 64
const open: { close(): unknown }[] = []
afterEach(async () => {
  for (const each of open.splice(0)) await each.close()
})

/** A mail server on a socket that answers 450 for some addresses (RFC 5321 §4.2.2). */
async function mailServer() {
  const [asked, taken] = [[] as string[], [] as string[]]

  function talk(socket: Socket) {
    socket.setNoDelay()
    const say = (line: string) => socket.write(`${line}\r\n`)
    let to = ''
    let isData = false
    say('220 test')
    createInterface({ input: socket }).on('line', (line) => {
      if (isData) {
        if (line !== '.') return
        isData = false
        taken.push(to)
        return say('250 taken')
      }
      const [verb = ''] = line.toUpperCase().split(/[ :]/)
      if (verb === 'RCPT') {
        to = /<(.*?)>/.exec(line)?.[1] ?? ''
        asked.push(to)
        return say(to.startsWith('away') ? '450 not now' : '250 go on')
      }
      isData = verb === 'DATA'
      return say(isData ? '354 go on' : verb === 'QUIT' ? '221 bye' : '250 test')
    })
    socket.on('error', () => {})
  }

  const server = createServer(talk).listen(0, '127.0.0.1')
  await once(server, 'listening')
  open.push(server)
  return { asked, taken, url: `smtp://127.0.0.1:${(server.address() as AddressInfo).port}` }
}

it(`${CROWD} mails that a server answers with 450 hold up no other, also after a restart`, async () => {
  const { asked, taken, url } = await mailServer()
  const { log, sealer, derivationKeys: linkKeys, clock } = await openHousehold()
  const checkpoints = inMemoryCheckpoints()
  const ask = async (to: string) => {
    const dataKey = await sealer.createDataKey()
    const mail = { mailId: newId(), template: 'address-taken', to, dataKey, isOwnKey: true } as const
    await requestMail(log, sealer, { ...mail, context: command() })
  }
  function start() {
    const mailer: Mailer = createSmtpMailer({ url, from: 'ledgate@example.com', domain: 'example.com' })
    const dependencies = { log, sealer, linkKeys, mailer, checkpoints, clock, issuer: ISSUER, newId, onError: () => {} }
    const sending = openMailSending({ ...dependencies, lookEveryMs: 1 })
    const done = new AbortController()
    const running = sending.run(done.signal)
    const stop = async () => {
      done.abort()
      await running
      await mailer.close()
    }
    open.push({ close: stop })
    return { state: sending.state, stop }
  }

  for (let each = 0; each < CROWD; each += 1) await ask(`away-${each}@example.com`)
  const first = start()
  await expect.poll(() => first.state().waiting).toBe(CROWD)
  await ask('bob@example.com')
  await expect.poll(() => taken).toEqual(['bob@example.com'])
  await expect.poll(async () => (await checkpoints.load('mail')) === (await log.store.head())).toBe(true)
  await first.stop()

  const second = start()
  await ask('carol@example.com')
  await expect.poll(() => taken).toEqual(['bob@example.com', 'carol@example.com'])
  expect(second.state().waiting).toBe(CROWD)
  expect(
    asked.filter((to) => to.startsWith('away')),
    'none is tried before its time',
  ).toHaveLength(CROWD)
})
