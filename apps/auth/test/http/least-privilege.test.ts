import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CAUSES, makeDatabaseUser } from '@ledgate/eventstore-eventstoredb'
import { openProtocolCluster, type ProtocolCluster } from '@ledgate/eventstore-eventstoredb/testing'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { ANN, BOOTSTRAP, openService } from './service.ts'

const SECRET = 'a-password-nobody-should-read'
let folder: string
let cluster: ProtocolCluster

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'ledgate-privilege-'))
  cluster = await openProtocolCluster({
    users: { admin: { password: SECRET, groups: ['$admins'] }, stranger: { password: SECRET } },
  })
  writeFileSync(join(folder, 'ca.pem'), cluster.cert ?? '')
  await makeDatabaseUser({ url: by('ledgate'), administratorUrl: by('admin') })
})
afterAll(() => {
  cluster.close()
  rmSync(folder, { recursive: true, force: true })
})

const by = (user: string) =>
  `esdb://${user}:${SECRET}@127.0.0.1:${cluster.nodes[0]?.port}?tls=true&tlsCAFile=${join(folder, 'ca.pem')}`
const environment = (user: string) => ({
  LEDGATE_EVENTSTOREDB_URL: by(user),
  LEDGATE_MASTER_KEY: Buffer.alloc(32, 5).toString('base64url'),
})

it('a user of no group with the right to read $all is enough for a first start, sign-in, erasure and the command line', async () => {
  const service = await openService(BOOTSTRAP, environment('ledgate'))
  expect((await service.signIn()).status).toBe(200)
  expect(await service.operate('users list', {})).toBe(200)
  expect(await service.operate('users erase', { sub: ANN.email, reason: 'asked for' })).toBe(200)
  await vi.waitFor(async () => expect((await service.signIn()).body).toMatchObject({ error: 'invalid_grant' }))
  expect(await service.operate('vault pending', {})).toBe(200)
  expect(await service.operate('keys list', {})).toBe(200)
  expect((await service.get('/readyz')).body).toEqual({ status: 'ready' })
  await service.close()
})

it('a user without that right ends the start by a sentence that names it', async () => {
  await expect(openService(BOOTSTRAP, environment('stranger'))).rejects.toThrow(CAUSES.mayNotRead)
})
