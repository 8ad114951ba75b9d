import { randomBytes } from 'node:crypto'
import { copyFileSync, cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { expect, it, onTestFinished, vi } from 'vitest'
import { compose, openOperator } from '../compose.ts'
import { LONGEST_TOKEN_CAP, readConfig } from '../config/index.ts'
import { openTokenCap } from '../token-cap/index.ts'
import { operatorContext } from '../admin/socket/control.ts'
import { restoreBackup, takeBackup } from './backup.ts'
import { openCore } from './core.ts'

const ANN = { email: 'ann@example.com', password: 'a quiet harbour at dawn' }
const BOB = { email: 'bob@example.com', password: 'a lamp below the stairs' }
const silent = pino({ level: 'silent' })

type Operate = (command: string, input: object) => Promise<unknown>

/** Data folders of one installation, by name. */
function folders() {
  const folder = mkdtempSync(join(tmpdir(), 'ledgate-backup-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const at = (name: string) => join(folder, name)
  const key = randomBytes(32).toString('base64url')
  const configOf = (name: string, more: Readonly<Record<string, string>> = {}) =>
    readConfig({
      LEDGATE_ISSUER: 'http://127.0.0.1:4000',
      LEDGATE_MASTER_KEY: key,
      LEDGATE_DATA_DIR: at(name),
      LEDGATE_TOKEN_CAP: '300',
      ...more,
    })
  return {
    at,
    configOf,
    /** A start of the server with the bootstrap file. */
    async start(name: string, users: readonly object[]) {
      writeFileSync(at('bootstrap.json'), JSON.stringify({ users }))
      await (await compose(configOf(name, { LEDGATE_BOOTSTRAP: at('bootstrap.json') }), silent)).close()
    },
    /** What an operator does without a server. */
    async operator<Result>(name: string, work: (operate: Operate) => Promise<Result>): Promise<Result> {
      const { commands, close } = await openOperator(configOf(name), silent)
      try {
        return await work((command, input) => Promise.resolve(commands[command]?.run(input, operatorContext('tester'))))
      } finally {
        await close()
      }
    },
  }
}

it('a restore to before a bootstrap entry was applied does not revive a user erased since', async () => {
  const { at, configOf, start, operator } = folders()
  await (await openCore(configOf('data'), silent)).close()
  await takeBackup(configOf('data'), at('backup'))
  await start('data', [ANN])
  await operator('data', async (operate) => {
    await operate('users create', BOB)
    for (const { email } of [ANN, BOB]) await operate('users erase', { sub: email, reason: 'asked for' })
  })

  const backup = { folder: at('backup'), erasedIn: [join(at('data'), 'events.db')] }
  await restoreBackup(configOf('restored'), backup)
  await start('restored', [ANN, BOB])
  await operator('restored', async (operate) => {
    await expect(operate('users find', { email: ANN.email })).rejects.toThrow(/unknown/)
    expect(await operate('users find', { email: BOB.email })).toMatchObject({ email: BOB.email }) // never of the file before
  })

  await restoreBackup(configOf('control'), { ...backup, erasedIn: [] })
  await start('control', [ANN])
  await operator('control', async (operate) =>
    expect(await operate('users find', { email: ANN.email })).toMatchObject({ email: ANN.email }),
  )
})

it('a restore takes the highest cap on tokens to have been the longest one: what was raised since is lost', async () => {
  const { at, configOf } = folders()
  const capOf = async (name: string) => {
    const core = await openCore(configOf(name), silent)
    try {
      return await openTokenCap(core).highest()
    } finally {
      await core.close()
    }
  }
  expect(await capOf('data')).toBe(300)
  await takeBackup(configOf('data'), at('backup'))
  await restoreBackup(configOf('restored'), { folder: at('backup'), erasedIn: [] })
  expect(await capOf('restored')).toBe(LONGEST_TOKEN_CAP)
})

it('a backup lowers its priority before it reads anything', async () => {
  const { at, configOf } = folders()
  const giveWay = vi.fn()
  mkdirSync(at('data'))
  writeFileSync(at('data/events.db'), 'no log')
  await expect(takeBackup(configOf('data'), at('backup'), giveWay)).rejects.toThrow()
  expect(giveWay).toHaveBeenCalledOnce()
})

it('a backup that is damaged or not whole, and another master key, restore nothing', async () => {
  const { at, configOf } = folders()
  await (await openCore(configOf('data'), silent)).close()
  const { position } = await takeBackup(configOf('data'), at('backup'))
  const restore = (folder: string, to?: string) =>
    restoreBackup(configOf('new'), { folder: at(folder), to, erasedIn: [] })

  const stranger = configOf('other', { LEDGATE_MASTER_KEY: randomBytes(32).toString('base64url') })
  await expect(restoreBackup(stranger, { folder: at('backup'), erasedIn: [] })).rejects.toThrow(/LEDGATE_MASTER_KEY/)
  expect(existsSync(join(stranger.dataDir, 'events.db'))).toBe(false)
  cpSync(at('backup'), at('damaged'), { recursive: true })
  const text = readFileSync(join(at('damaged'), 'events.db'), 'latin1')
  writeFileSync(join(at('damaged'), 'events.db'), text.replaceAll('KeyGenerated', 'KeyGenerateD'), 'latin1')
  await expect(restore('damaged')).rejects.toThrow(/damaged/)
  mkdirSync(at('half'))
  copyFileSync(join(at('backup'), 'events.db'), join(at('half'), 'events.db'))
  await expect(restore('half')).rejects.toThrow(/no complete backup/)
  for (const [to, why] of [
    [String(Number(position) + 1).padStart(20, '0'), /ends before/],
    ['-1', /--to: is not a position/],
    ['30', /--to: is not a position/],
    ['', /--to: is not a position/],
  ] as const)
    await expect(restore('backup', to), to).rejects.toThrow(why)
  expect(existsSync(at('new'))).toBe(false)
  expect(await restore('backup')).toMatchObject({ position })
})

it('nothing is restored beside what is left of a log that was not closed: SQLite would take it for a part of the new one', async () => {
  const { at, configOf } = folders()
  await (await openCore(configOf('data'), silent)).close()
  const { position } = await takeBackup(configOf('data'), at('backup'))
  const killed = await openCore(configOf('data'), silent)
  const restore = () => restoreBackup(configOf('new'), { folder: at('backup'), erasedIn: [] })
  mkdirSync(at('new'))
  for (const [file, ...more] of [['events.db-wal'], ['vault.db-wal', 'vault.db'], ['vault.db-shm']] as const) {
    for (const name of [file, ...more]) copyFileSync(join(at('data'), name), join(at('new'), name))
    await expect(restore(), file).rejects.toThrow(new RegExp(`move ${[...more, file].join(', ')} away`))
    expect(existsSync(join(at('new'), 'events.db'))).toBe(false)
    for (const name of [file, ...more]) rmSync(join(at('new'), name))
  }
  await killed.close()
  copyFileSync(join(at('data'), 'vault.db'), join(at('new'), 'vault.db')) // of a restore that was interrupted
  expect(await restore()).toMatchObject({ position })
})
