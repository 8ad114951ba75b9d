import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { type AddressInfo, createServer as createTcpServer } from 'node:net'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished, vi } from 'vitest'

const MAIN = join(import.meta.dirname, '../src/api/main.ts')

/** What the shell of the test is set to must not change what is tested. */
const inherited = () =>
  Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(DEMO|LEDGATE)_/.test(name)))

/** The demo as `npm run demo` runs it. It ends with the test at the latest. */
function demo(environment: Readonly<Record<string, string>>) {
  const env = { ...inherited(), DEMO_PORT: '0', ...environment }
  const child = spawn(process.execPath, ['--conditions=@ledgate/source', MAIN], { env })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (part) => (output += part))
  const ended = once(child, 'close').then(([code, signal]) => (code ?? signal) as number | string)
  onTestFinished(async () => {
    child.kill('SIGKILL')
    await ended
  })
  return {
    ended,
    output: () => output,
    kill: (signal: NodeJS.Signals) => child.kill(signal),
    async says(text: string) {
      await vi.waitFor(() => expect(output).toContain(text))
    },
  }
}

/** Somebody on loopback who answers everything in this way. */
async function answeringWith(status: number) {
  let asked = 0
  const server = createServer((_, response) => {
    asked += 1
    response.writeHead(status, { 'content-type': 'application/json' }).end('{}')
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  return { port: (server.address() as AddressInfo).port, server, asked: () => asked }
}

/** Somebody on loopback who takes no request. */
async function hangingUp() {
  let asked = 0
  const server = createTcpServer((socket) => {
    asked += 1
    socket.resetAndDestroy()
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  return { port: (server.address() as AddressInfo).port, asked: () => asked }
}

describe('the process of the demo', () => {
  it('that is set up wrongly names every setting that is wrong, and no secret', async () => {
    const { ended, output } = demo({ DEMO_PORT: 'eighty', LEDGATE_ISSUER: 'id', DEMO_CLIENT_SECERT: 'hidden' })
    expect(await ended).toBe(1)
    for (const name of ['DEMO_PORT', 'LEDGATE_ISSUER', 'DEMO_CLIENT_SECERT']) expect(output()).toContain(name)
    expect(output()).not.toMatch(/hidden|\n {4}at /)
  })

  it('names the setting when its port is taken', async () => {
    const { port } = await answeringWith(404)
    const { ended, output } = demo({ DEMO_PORT: String(port) })
    expect(await ended).toBe(1)
    expect(output()).toMatch(/^demo: DEMO_PORT: .*EADDRINUSE.*\n$/)
  })

  it('waits for a server, says so in one line, and ends by SIGINT', async () => {
    const { port, asked } = await hangingUp()
    const { says, kill, ended, output } = demo({ LEDGATE_PORT: String(port) })
    await says('waiting')
    const before = asked()
    await vi.waitFor(() => expect(asked()).toBeGreaterThan(before + 1))
    kill('SIGINT')
    expect(await ended).toBe(0)
    expect(output()).toBe(`demo: waiting for http://127.0.0.1:${port}, which npm start starts\n`)
  })

  it('says once what is wrong with a server that is none of ours, goes on asking, and ends by SIGTERM', async () => {
    const { port, asked } = await answeringWith(404)
    const { says, kill, ended, output } = demo({ LEDGATE_PORT: String(port) })
    await says('the token keys cannot be fetched')
    const before = asked()
    await vi.waitFor(() => expect(asked()).toBeGreaterThan(before))
    kill('SIGTERM')
    expect(await ended).toBe(0)
    const lines = output().trim().split('\n')
    expect(new Set(lines).size).toBe(lines.length)
    expect(lines.length).toBeLessThan(5)
  })
})
