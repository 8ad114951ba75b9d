import { execFile } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, it, onTestFinished } from 'vitest'

const root = join(import.meta.dirname, '..', '..', '..')
const pagesIn = (folder: string) =>
  Object.fromEntries(readdirSync(folder).map((file) => [file, readFileSync(join(folder, file), 'utf8')]))

it('the pages in docs/api are those of the docstrings of today; npm run api writes them', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'ledgate-api-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const typedoc = join(root, 'node_modules/.bin/typedoc')
  await promisify(execFile)(typedoc, ['--options', 'tools/build/typedoc.config.js', '--out', folder], { cwd: root })
  expect(pagesIn(join(root, 'docs/api'))).toEqual(pagesIn(folder))
})
