import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { expect, it, onTestFinished } from 'vitest'
import { z } from 'zod'
import { compileErrors, type Pretended } from '../src/pretend.ts'

const root = join(import.meta.dirname, '..', '..', '..')

const event: Pretended = {
  file: 'apps/auth/src/user/events.ts',
  before: 'export const userEvents = [',
  after:
    "export const UserPretended = defineEvent('UserPretended', { user })\nexport const userEvents = [UserPretended,",
}

const projection: Pretended = {
  file: 'apps/auth/src/views/projections.ts',
  before: 'export const projections = [',
  after: "export const projections = [{ ...users, name: 'pretended' as const },",
}

const grantType: Pretended = {
  file: 'packages/oauth/src/metadata.ts',
  before: "GrantType = z.enum(['password',",
  after: "GrantType = z.enum(['password', 'pretended',",
}

const setting: Pretended = {
  file: 'apps/auth/src/config/config.ts',
  before: 'export const Environment = z.strictObject({',
  after: 'export const Environment = z.strictObject({ LEDGATE_PRETENDED: z.string().optional(),',
}

const Report = z.object({
  testResults: z.array(z.object({ assertionResults: z.array(z.object({ fullName: z.string(), status: z.string() })) })),
})

/** The titles of the tests of a project that fail while a change is pretended. */
function failing(folder: string, tests: readonly string[], changes: readonly Pretended[]): string[] {
  const scratch = mkdtempSync(join(tmpdir(), 'ledgate-pretended-'))
  onTestFinished(() => rmSync(scratch, { recursive: true, force: true }))
  const report = join(scratch, 'report.json')
  const hook = pathToFileURL(join(root, 'tools/checks/src/pretend-hook.ts')).href
  const { stdout, stderr } = spawnSync('vitest', ['run', '--reporter=json', `--outputFile=${report}`, ...tests], {
    cwd: join(root, folder),
    env: { ...process.env, NODE_OPTIONS: `--import=${hook}`, PRETENDED: JSON.stringify(changes) },
  })
  const { testResults } = Report.parse(JSON.parse(readFileSync(report, 'utf8')))
  const results = testResults.flatMap(({ assertionResults }) => assertionResults)
  if (results.length === 0) throw new Error(`no test of ${folder} ran: ${stdout.toString()}${stderr.toString()}`)
  return results.filter(({ status }) => status === 'failed').map(({ fullName }) => fullName)
}

it('the compiler names every place that has to say something of a new event, projection or grant type', () => {
  const server = {
    folder: 'apps/auth',
    entries: ['src/index.ts', 'src/main.ts', 'src/ledgate.ts', 'src/compose/projector.ts'],
  }
  const errors = compileErrors(root, server, [event, projection, grantType])
  expect(errors.map((error) => error.replace(/:.*/s, '')).toSorted()).toEqual([
    'apps/auth/src/revocation-feed/ending.ts',
    'apps/auth/src/token/grant-types/index.ts',
    'apps/auth/src/user/projection.ts',
    'apps/auth/src/views/views.ts',
  ])
  expect(errors.join('\n')).toMatch(/ending\.ts: .*'UserPretended' is missing/)
  expect(errors.join('\n')).toMatch(/grant-types\/index\.ts: .*'pretended' is missing/)
  expect(errors.join('\n')).toMatch(/user\/projection\.ts: .*'UserPretended' is missing/)
  expect(errors.join('\n')).toMatch(/views\.ts: .*'pretended' is missing/)
})

it('tests name the stored payload and the document of a new event, and the document of a new setting', () => {
  expect(failing('apps/auth', ['src/catalogue/golden.test.ts'], [event])).toEqual([
    expect.stringContaining('every type of event of the catalogue'),
  ])
  expect(failing('tools/checks', ['test/documents.test.ts'], [event, setting]).toSorted()).toEqual([
    expect.stringMatching(/^docs\/events\.md/),
    expect.stringMatching(/^docs\/operations\.md/),
  ])
})

it('control: without a change, the tests of the documents pass', () => {
  expect(failing('tools/checks', ['test/documents.test.ts'], [])).toEqual([])
})
