import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { readdirSync, statSync, writeFileSync } from 'node:fs'
import { type IncomingMessage, request as httpRequest } from 'node:http'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { beforeAll, describe, expect, it } from 'vitest'
import { rounds } from '../../../rounds.ts'
import { isMissing } from '../src/machine.ts'
import { requestsTo } from '../src/requests.ts'
import { type Installation, ledgate, newInstallation, ready, spawnServer, startServer } from '../src/server.ts'
import { ANN, BATCH, basic, WORLD } from '../src/world.ts'

const CLIENT_CREDENTIALS = { grant_type: 'client_credentials' }

/** Processes killed while starting. */
const STARTS = rounds({ quick: 3, long: 20 })

/** Reaching a limit on the size of files is to be an error of the write, as a full disk is, not the end of the process. */
const LIMITABLE = ['bash', '-c', 'trap "" XFSZ; exec "$@"', 'bash']

describe('the master key', () => {
  it('is replaced while the server answers: one file, one command, and the old key opens nothing', async () => {
    const made = await newInstallation()
    const [old, fresh] = [randomBytes(32).toString('base64url'), randomBytes(32).toString('base64url')]
    const file = join(made.folder, 'master.keys')
    writeFileSync(file, old)
    const installation = { ...made, environment: { ...made.environment, LEDGATE_MASTER_KEY_FILE: file } }
    const server = await startServer(installation)
    const { refresh_token } = (await server.signIn(ANN)).body
    let isOver = false
    const busy = (async () => {
      for (let count = 0; !isOver; count += 1) {
        const status = (await server.signIn(ANN)).status
        if (status !== 200) return status
        await pause(50)
      }
      return 200
    })()
    writeFileSync(file, fresh)
    const forgotten = await ledgate(installation, ['rewrap-vault'])
    expect(forgotten.code).toBe(1) // the old key is not in the file any more: nothing has changed
    writeFileSync(file, `${fresh}\n${old}\n`)
    const done = await ledgate(installation, ['--json', 'rewrap-vault'])
    expect([done.code, Number(done.json()['rewrapped']) > 5]).toEqual([0, true])
    writeFileSync(file, fresh)
    expect((await ledgate(installation, ['--json', 'rewrap-vault'])).json()).toEqual({ rewrapped: 0 })
    isOver = true
    expect(await busy).toBe(200)
    expect(await server.stop()).toBe(0)
    const again = await startServer(installation)
    expect((await again.refresh(String(refresh_token))).status).toBe(200)
    await again.stop()
    writeFileSync(file, old)
    const stranger = spawnServer(installation)
    expect(await stranger.ended).toBe(1)
    expect(stranger.output()).toContain('is not the key of this vault')
    writeFileSync(file, fresh) // the data is as it was
    expect((await (await startServer(installation)).signIn()).status).toBe(200)
  })
})

describe('starting', () => {
  it('names everything that is wrong with the configuration, and no value of it', async () => {
    const server = spawnServer(await newInstallation(), {
      environment: {
        LEDGATE_PORT: 'eighty',
        LEDGATE_MASTER_KEY: 'a-key-that-is-too-short',
        LEDGATE_ISSUER: 'https://id.example.com/',
        LEDGATE_ISUER: 'https://id.example.com',
      },
    })
    expect(await server.ended).toBe(1)
    for (const name of ['LEDGATE_PORT', 'LEDGATE_MASTER_KEY', 'LEDGATE_ISSUER', 'LEDGATE_ISUER is not a setting'])
      expect(server.output()).toContain(name)
    expect(server.output()).not.toContain('a-key-that-is-too-short')
  })

  it('says what is wrong with a bootstrap file, and writes nothing of it; of a grown one it takes what is new, no more', async () => {
    const installation = await newInstallation({ ...WORLD, clients: [{ client_id: 'u_looks-like-a-person' }] })
    const server = spawnServer(installation)
    expect(await server.ended).toBe(1)
    expect(server.output()).toContain('clients[0]')
    installation.writeBootstrap(WORLD)
    const first = await startServer(installation)
    await first.stop()
    const changed = WORLD.clients.map((client) => ({ ...client, client_secret: 'another-secret-for-everybody' }))
    const added = { ...WORLD.clients[1], client_id: 'added', client_secret: 'added-secret-5d21' }
    const carol = { email: 'carol@example.com', password: 'a lighthouse in the fog' }
    installation.writeBootstrap({ ...WORLD, clients: [...changed, added], users: [ANN, carol] })
    const second = await startServer(installation)
    expect((await second.token(CLIENT_CREDENTIALS, basic('added', 'added-secret-5d21'))).status).toBe(200)
    expect((await second.token(CLIENT_CREDENTIALS, BATCH)).status).toBe(200)
    expect((await second.token(CLIENT_CREDENTIALS, basic('batch', 'another-secret-for-everybody'))).status).toBe(401)
    expect((await second.signIn(carol)).status).toBe(200)
    expect((await second.signIn()).status).toBe(200)
  })
})

/** A request whose head the server has read, and said so (RFC 9110 §10.1.1); `send` gives it the body, and the status back. */
async function heldRequest(url: string) {
  const headers = {
    authorization: BATCH,
    'content-type': 'application/x-www-form-urlencoded',
    expect: '100-continue',
  }
  const request = httpRequest(`${url}/oauth2/token`, { method: 'POST', headers })
  const answered = once(request, 'response') as Promise<[IncomingMessage]>
  const status = answered.then(
    ([answer]) => answer.resume().statusCode,
    () => 'lost',
  )
  request.flushHeaders()
  await once(request, 'continue')
  const body = new URLSearchParams(CLIENT_CREDENTIALS)
  return { send: () => (request.end(body.toString()), status) }
}

describe('stopping', () => {
  it('answers what it took, and ends in order', async () => {
    const installation = await newInstallation()
    const server = await startServer(installation)
    const taken = await Promise.all(Array.from({ length: 32 }, () => heldRequest(installation.url)))
    const answers = taken.map(({ send }) => send())
    expect(await server.stop()).toBe(0)
    const statuses = await Promise.all(answers)
    expect(statuses.filter((status) => status === 200).length).toBeGreaterThan(0)
    expect(statuses.filter((status) => status !== 200 && status !== 503)).toEqual([])
  })
})

describe.skipIf(isMissing(['bash', 'prlimit'], 'a full disk'))('a disk that is full', () => {
  it('answers 503 with Retry-After, goes on reading, and loses nothing that it acknowledged', async () => {
    const installation = await newInstallation()
    const server = await startServer(installation, { under: LIMITABLE })
    const tokens: string[] = []
    const take = async () => {
      const answer = await server.token(CLIENT_CREDENTIALS, BATCH)
      if (answer.status === 200) tokens.push(String(answer.body['access_token']))
      return answer
    }
    await take()
    const largest = Math.max(
      ...readdirSync(installation.dataDir).map((name) => statSync(join(installation.dataDir, name)).size),
    )
    const limit = largest + 200_000
    execFileSync('prlimit', ['--pid', String(server.pid), `--fsize=${limit}:${limit}`])
    let refused = await take()
    for (let tries = 0; refused.status === 200 && tries < 20_000; tries += 1) refused = await take()
    expect(refused.status).toBe(503)
    expect(refused.body).toMatchObject({ error: 'temporarily_unavailable' })
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0)
    expect((await server.get('/readyz')).status).toBe(503)
    expect((await server.get('/livez')).status).toBe(200)
    expect((await server.get('/oauth2/jwks')).status).toBe(200)
    expect(await server.introspect(tokens[0] ?? '')).toMatchObject({ active: true })
    expect((await server.get('/metrics')).text).toContain('ledgate_log_up 0')
    await server.kill()

    const again = await startServer(installation)
    for (const token of [...tokens.slice(0, 20), ...tokens.slice(-20)])
      expect(await again.introspect(token)).toMatchObject({ active: true })
    expect((await again.token(CLIENT_CREDENTIALS, BATCH)).status).toBe(200)
  })
})

describe('running', () => {
  let installation: Installation
  let server: Awaited<ReturnType<typeof startServer>>
  beforeAll(async () => {
    installation = await newInstallation()
    server = await startServer(installation)
  })

  it('answers CORS to the origins of redirect_uris, and to no other where it matters', async () => {
    await expect
      .poll(async () =>
        (await server.get('/oauth2/jwks', { origin: 'https://web.example' })).headers.get(
          'access-control-allow-origin',
        ),
      )
      .toMatch(/^(\*|https:\/\/web\.example)$/)
    const allowed = (origin: string) =>
      server
        .get('/accounts/confirm?token=x', { origin })
        .then(({ headers }) => headers.get('access-control-allow-origin'))
    await expect.poll(() => allowed('https://web.example')).toBe('https://web.example')
    expect(await allowed('https://evil.example')).toBeNull()
  })

  it('describes itself: OpenAPI with every path, metrics by route, metadata', async () => {
    const { paths } = (await server.get('/openapi.json')).body as { paths: Record<string, unknown> }
    for (const path of ['/accounts', '/accounts/confirm', '/oauth2/token', '/oauth2/revoke', '/oauth2/introspect'])
      expect(paths).toHaveProperty([path])
    await server.signIn()
    expect((await server.get('/metrics')).text).toMatch(
      /ledgate_http_request_duration_seconds_count\{[^}]*route="\/oauth2\/token"[^}]*\} [1-9]/,
    )
    const metadata = (await server.get('/.well-known/oauth-authorization-server')).body
    expect(metadata).toMatchObject({ issuer: installation.url, token_endpoint: `${installation.url}/oauth2/token` })
  })

  it('is not disturbed by a second process on the same data, which is refused and says so', async () => {
    const second = spawnServer(installation, { environment: { LEDGATE_PORT: '0' } })
    expect(await second.ended).toBe(1)
    expect(second.output()).toContain('another process')
    expect((await server.token(CLIENT_CREDENTIALS, BATCH)).status).toBe(200)
  })

  it('becomes ready by itself when many processes of it were killed one after the other while starting', async () => {
    const installation = await newInstallation()
    for (let round = 0; round < STARTS; round += 1) {
      const server = spawnServer(installation)
      await new Promise((wait) => setTimeout(wait, 150 + Math.random() * 450))
      await server.kill()
    }
    const server = spawnServer(installation)
    await ready(installation, server)
    expect((await requestsTo(installation.url).signIn()).status).toBe(200)
  })

  it('takes the name of a key for what it is, also when it begins with a hyphen, as every 64th does', async () => {
    const { code, output } = await ledgate(installation, [
      'keys',
      'compromise',
      'signing',
      '-93Q_Qtqo1Z2Ds2MagRoqhD6abaKLU7bNSxY4a5-vhc',
    ])
    expect(code).toBe(1)
    expect(output).not.toContain('option')
  })
})
