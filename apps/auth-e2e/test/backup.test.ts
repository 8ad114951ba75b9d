import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import type { Position } from '@ledgate/eventsourcing'
import { digestLog, openSqliteEventReader } from '@ledgate/eventstore-sqlite'
import { expect, it } from 'vitest'
import type { Requests } from '../src/requests.ts'
import { type Installation, ledgate, newInstallation, startServer } from '../src/server.ts'
import { ANN, BATCH, WORLD } from '../src/world.ts'

const BOB = { email: 'bob@example.com', password: 'seven grey herons' }
const WITH_BOB = { ...WORLD, users: [...WORLD.users, { ...BOB, roles: [] }] }

async function withKey(key: string): Promise<Installation> {
  const installation = await newInstallation(WITH_BOB)
  const { LEDGATE_BOOTSTRAP: _, ...environment } = installation.environment
  return {
    ...installation,
    environment: { ...environment, LEDGATE_MASTER_KEY: key, LEDGATE_ISSUER: 'http://127.0.0.1:4040' },
  }
}

/** Asks for tokens until it is told to stop. */
function load(server: Requests, at: number) {
  let isOver = false
  let answered = 0
  const running = Array.from({ length: at }, async (_, index) => {
    let { refresh_token: held } = (await server.signIn(index % 2 === 0 ? ANN : BOB)).body
    while (!isOver) {
      await server.token({ grant_type: 'client_credentials' }, BATCH)
      held = (await server.refresh(String(held))).body['refresh_token'] ?? held
      answered += 2
      await pause(50) // the backup has the lowest priority: a busy machine would keep it waiting
    }
    return String(held)
  })
  return {
    answered: () => answered,
    async stop(): Promise<readonly string[]> {
      isOver = true
      return Promise.all(running)
    },
  }
}

it('a backup under load, restored: the same log, no earlier token, no erased user', async () => {
  const key = randomBytes(32).toString('base64url')
  const first = await withKey(key)
  const environment = { ...first.environment, LEDGATE_BOOTSTRAP: join(first.folder, 'bootstrap.json') }
  const server = await startServer({ ...first, environment })
  const early = (await server.signIn(BOB)).body
  const unused = (await server.signIn(ANN)).body // nothing but the epoch says that it is over
  const busy = load(server, 4)
  const before = await server.token({ grant_type: 'client_credentials' }, BATCH)
  const acknowledged = String(before.headers.get('ledgate-position'))
  const folder = join(first.folder, 'backup')
  const taken = await ledgate(first, ['--json', 'backup', folder])
  expect([taken.code, taken.output]).toEqual([0, expect.stringContaining('digest')])
  const manifest = taken.json() as { position: Position; digest: string; events: number }
  expect(manifest.position >= acknowledged).toBe(true)
  const answered = busy.answered()
  while (busy.answered() < answered + 50) await pause(10)
  const held = await busy.stop()
  expect((await ledgate(first, ['erase', BOB.email])).code).toBe(0)
  await server.kill()

  const log = join(first.dataDir, 'events.db')
  expect(await digestLog(log, manifest.position)).toMatchObject({ digest: manifest.digest, events: manifest.events })
  expect((await ledgate(first, ['restore', folder])).output).toMatch(/LEDGATE_DATA_DIR .* already holds a log/)
  expect((await ledgate(first, ['backup', folder])).output).toMatch(/already/)

  const second = await withKey(key)
  const restored = await ledgate(second, ['--json', 'restore', folder, '--erased-in', log])
  expect([restored.code, restored.json()]).toEqual([0, expect.objectContaining({ digest: manifest.digest, erased: 1 })])
  expect(await digestLog(join(second.dataDir, 'events.db'), manifest.position)).toMatchObject({
    digest: manifest.digest,
  })
  const again = await startServer(second)
  for (const token of [...held, String(early['refresh_token']), String(unused['refresh_token'])])
    expect((await again.refresh(token)).body).toMatchObject({ error: 'invalid_grant' })
  for (const { access_token } of [early, unused, before.body])
    expect(await again.introspect(String(access_token))).toEqual({ active: false })
  const ann = await again.signIn(ANN)
  expect(await again.introspect(String(ann.body['access_token']))).toMatchObject({ active: true })
  expect((await again.refresh(String(ann.body['refresh_token']))).status).toBe(200)
  expect((await again.signIn(BOB)).body).toMatchObject({ error: 'invalid_grant' })
  expect((await ledgate(second, ['users', 'show', BOB.email])).code).toBe(1)
  expect((await again.json('/accounts', BOB)).status).toBe(202)
  expect(await again.mailed(BOB.email)).toMatch(/^m1\./) // the address is free again
})

it('restores to a position: what came later is not there, and two restores of one backup share no token', async () => {
  const key = randomBytes(32).toString('base64url')
  const first = await withKey(key)
  const environment = { ...first.environment, LEDGATE_BOOTSTRAP: join(first.folder, 'bootstrap.json') }
  const server = await startServer({ ...first, environment })
  const position = String(
    (await server.token({ grant_type: 'client_credentials' }, BATCH)).headers.get('ledgate-position'),
  )
  expect(
    (await ledgate(first, ['clients', 'create', '{"grant_types":["client_credentials"]}', '--client-id', 'later']))
      .code,
  ).toBe(0)
  expect((await ledgate(first, ['erase', BOB.email])).code).toBe(0)
  const { keys } = (await ledgate(first, ['--json', 'keys', 'list'])).json() as {
    keys: { use: string; kid: string; status: string }[]
  }
  for (const { use, kid } of keys.filter((each) => each.use !== 'feed')) {
    const { code, output } = await ledgate(first, ['keys', 'compromise', use, kid])
    expect([code, output]).toEqual([0, expect.any(String)])
  }
  await server.stop()
  const folder = join(first.folder, 'backup')
  expect((await ledgate(first, ['backup', folder])).code).toBe(0)
  const refused = await ledgate(await withKey(key), ['restore', folder, '--to=-1'])
  expect([refused.code, refused.output]).toEqual([1, expect.stringContaining('--to: is not a position')])

  const tokens: string[] = []
  for (let round = 0; round < 2; round += 1) {
    const next = await withKey(key)
    const restored = await ledgate(next, ['--json', 'restore', folder, '--to', position])
    expect(restored.json()).toMatchObject({ position, erased: 1 })
    const reader = await openSqliteEventReader({ file: join(next.dataDir, 'events.db') })
    const types: string[] = []
    for await (const { type } of reader.readAll({ after: reader.parsePosition(position) })) types.push(type)
    await reader.close()
    expect(types).toContain('IssuerEpochRaised')
    const again = await startServer(next)
    expect((await again.signIn(BOB)).body).toMatchObject({ error: 'invalid_grant' })
    expect((await ledgate(next, ['clients', 'show', 'later'])).code).toBe(1)
    const { access_token } = (await again.token({ grant_type: 'client_credentials' }, BATCH)).body
    expect(await again.introspect(String(access_token))).toMatchObject({ active: true })
    for (const token of tokens) expect(await again.introspect(token)).toEqual({ active: false })
    tokens.push(String(access_token))
    await again.stop()
  }
})
