import { execFile } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, it, onTestFinished } from 'vitest'
import { prepareDataFolder } from './data-folder.ts'

/** The superuser writes where nobody may, unless that right is taken away. */
const withoutPrivileges = process.getuid?.() === 0 ? ['setpriv', '--bounding-set=-dac_override,-dac_read_search'] : []

function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'ledgate-data-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** What a process that has no more rights than the files give it is told of each folder; nothing when it may use it. */
async function told(...folders: readonly string[]): Promise<readonly string[]> {
  const script = `const { prepareDataFolder } = await import(${JSON.stringify(join(import.meta.dirname, 'data-folder.ts'))})
    const told = (folder) => { try { prepareDataFolder(folder); return '' } catch (error) { return error.message } }
    console.log(JSON.stringify(${JSON.stringify(folders)}.map(told)))`
  const [program = '', ...args] = [...withoutPrivileges, process.execPath, '--input-type=module', '-e', script]
  return JSON.parse((await promisify(execFile)(program, args)).stdout) as readonly string[]
}

describe('a data folder', () => {
  it('with anything in it that may not be written is refused by the name of that, and says whose it is', async () => {
    const databases = ['events.db', 'vault.db', 'views.db'].flatMap((name) => [name, `${name}-wal`, `${name}-shm`])
    const parts = [...databases, 'events.db-lock', 'replica-lock', 'master.key'].map((part) => {
      const folder = newFolder()
      for (const name of ['events.db', part]) writeFileSync(join(folder, name), '')
      chmodSync(join(folder, part), 0o444)
      return { folder, file: join(folder, part) }
    })
    const answers = await told(...parts.map(({ folder }) => folder))
    for (const [index, { file }] of parts.entries())
      expect(answers[index]).toMatch(
        new RegExp(`^${file} cannot be written \\(EACCES\\): it belongs to user \\d+ with mode 0444, .*chown`),
      )
  })

  it('that may not be written itself is refused, and what is not ours in it is left alone', async () => {
    const [folder, closed] = [newFolder(), newFolder()]
    writeFileSync(join(folder, 'notes.txt'), '')
    chmodSync(join(folder, 'notes.txt'), 0)
    symlinkSync('/nowhere/at/all', join(folder, 'views.db'))
    chmodSync(closed, 0o555)
    expect(await told(folder, closed)).toEqual(['', expect.stringContaining(`${closed} cannot be written`)])
    chmodSync(closed, 0o755)
  })

  it('is made when it is not there, also behind a link, and refused where a file is', () => {
    const folder = newFolder()
    mkdirSync(join(folder, 'real'))
    symlinkSync(join(folder, 'real'), join(folder, 'link'))
    prepareDataFolder(join(folder, 'link', 'data'))
    writeFileSync(join(folder, 'file'), '')
    for (const path of ['file', 'file/data'])
      expect(() => prepareDataFolder(join(folder, path))).toThrow(`LEDGATE_DATA_DIR (${join(folder, path)})`)
  })
})
