import { chmodSync, cpSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeAll, expect, it, onTestFinished } from 'vitest'
import { isMissing } from '../src/machine.ts'
import { type Installation, ledgate, newInstallation, spawnServer, startServer } from '../src/server.ts'
import { ANN } from '../src/world.ts'

/** The superuser writes where nobody may, unless that right is taken away. */
const withoutPrivileges = process.getuid?.() === 0 ? ['setpriv', '--bounding-set=-dac_override,-dac_read_search'] : []

const register = async (server: Awaited<ReturnType<typeof startServer>>, email: string) => {
  expect((await server.json('/accounts', { email, password: 'seven grey herons' })).status).toBe(202)
  return server.mailed(email)
}

/** A data folder as a server left it that stopped in order; its backup, which people registered after; what a kill leaves. */
let left: Installation & { readonly backup: string; readonly killed: string }
beforeAll(async () => {
  const installation = await newInstallation()
  const [backup, killed] = [join(installation.folder, 'backup'), join(installation.folder, 'killed')]
  const server = await startServer(installation)
  await register(server, 'before@example.com')
  expect((await ledgate(installation, ['backup', backup])).code).toBe(0)
  for (let n = 0; n < 2; n += 1) await register(server, `lost-${n}@example.com`)
  cpSync(installation.dataDir, killed, { recursive: true, filter: (path) => !path.endsWith('.sock') })
  await server.stop()
  left = { ...installation, backup, killed }
})

/** A copy of it, of the test's own. */
async function newLeft(): Promise<Installation> {
  const installation = await newInstallation()
  cpSync(left.dataDir, installation.dataDir, { recursive: true })
  const environment = { ...installation.environment, LEDGATE_ISSUER: left.url }
  return { ...installation, environment }
}

/** Starts a server that has to refuse; answers what it said. */
async function refused(installation: Installation, under: readonly string[] = []): Promise<string> {
  const server = spawnServer(installation, { under })
  expect([await server.ended, server.output()]).toEqual([1, expect.any(String)])
  return server.output()
}

it.skipIf(isMissing(withoutPrivileges.slice(0, 1), 'files of the data folder that may not be written'))(
  'no server starts on a data folder whose lock it may not write, as another user’s restore leaves it',
  async () => {
    const installation = await newLeft()
    const lock = join(installation.dataDir, 'events.db-lock')
    chmodSync(lock, 0o444)
    expect(await refused(installation, withoutPrivileges)).toContain(`${lock} cannot be written (EACCES)`)
  },
)

it('log and vault that are damaged stop the start by name and stay as they are', async () => {
  const installation = await newLeft()
  for (const name of ['events.db', 'vault.db']) {
    const file = join(installation.dataDir, name)
    const whole = readFileSync(file)
    const damaged = Buffer.from(whole).fill(0xa5, 0, 100)
    writeFileSync(file, damaged)
    expect(await refused(installation)).toContain(file)
    expect(readFileSync(file).equals(damaged)).toBe(true)
    writeFileSync(file, whole)
  }
})

it('damaged views are rebuilt, with a message in the server log; emails continue', async () => {
  const installation = await newLeft()
  const views = join(installation.dataDir, 'views.db')
  for (const end of ['-wal', '-shm']) rmSync(`${views}${end}`, { force: true })
  writeFileSync(views, 'garbage '.repeat(1000))
  const server = await startServer(installation)
  expect(server.output()).toContain(`${views} is damaged`)
  expect(await register(server, 'carol@example.com')).toMatch(/^m1\./)
  expect((await server.signIn(ANN)).status).toBe(200)
  await server.stop()
})

it.each(['restored', 'an older copy, put there by hand'])(
  'views of a log that went further do not keep what comes after: mails leave where the log is %s',
  async (how) => {
    const installation = await newLeft()
    const { dataDir, folder } = installation
    const { backup } = left
    for (const name of ['events.db', 'vault.db']) {
      for (const end of ['-wal', '-shm']) rmSync(join(dataDir, `${name}${end}`), { force: true })
      renameSync(join(dataDir, name), join(folder, name))
      if (how !== 'restored') writeFileSync(join(dataDir, name), readFileSync(join(backup, name)))
    }
    if (how === 'restored') expect((await ledgate(installation, ['restore', backup])).code).toBe(0)
    const again = await startServer(installation)
    expect(again.output()).toContain('another history of the log')
    expect(await register(again, 'after@example.com')).toMatch(/^m1\./)
    await again.stop()
  },
)

it.skipIf(isMissing(withoutPrivileges.slice(0, 1), 'a newer log that lies where nothing can be written'))(
  '--erased-in with a log in a folder that cannot be written says what to do',
  async () => {
    const installation = await newInstallation()
    const kept = join(mkdtempSync(join(tmpdir(), 'ledgate-kept-')), 'data')
    onTestFinished(() => rmSync(kept, { recursive: true, force: true }))
    cpSync(left.killed, kept, { recursive: true })
    const log = join(kept, 'events.db')
    rmSync(`${log}-shm`)
    mkdirSync(installation.dataDir)
    renameSync(join(kept, 'master.key'), join(installation.dataDir, 'master.key'))
    chmodSync(kept, 0o555)
    const answer = await ledgate(installation, ['restore', left.backup, '--erased-in', log], '', withoutPrivileges)
    expect([answer.code, answer.output]).toEqual([1, expect.stringContaining('give --erased-in the copy')])
    expect(answer.output).toContain(log)
    chmodSync(kept, 0o755)
  },
)
