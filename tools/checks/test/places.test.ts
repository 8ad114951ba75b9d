import { existsSync, globSync, readFileSync } from 'node:fs'
import { basename, dirname, join, normalize } from 'node:path'
import { describe, expect, it } from 'vitest'

const root = join(import.meta.dirname, '..', '..', '..')
const read = (path: string) => readFileSync(join(root, path), 'utf8')
const packageOf = (path: string) => path.split('/').slice(0, 2).join('/')

/** Projects of tests only: what is in their `src` supports them. */
const TESTS_ONLY = ['apps/auth-e2e', 'tools/checks']

const testsIn = (folder: 'src' | 'test') =>
  globSync(`{apps,packages,tools}/*/${folder}/**/*.test.ts`, { cwd: root }).filter(
    (path) => !path.includes('node_modules') && !TESTS_ONLY.includes(packageOf(path)),
  )

/** Whether a file that this test could be of is beside it: code, a folder, or the data it is about. */
function isBesideItsFile(path: string): boolean {
  const folder = dirname(path)
  const name = basename(path, '.test.ts')
  const files = [`${name}.ts`, `${name}.decider.ts`, `${name}.json`, `${name}/index.ts`]
  return basename(folder) === name || files.some((file) => existsSync(join(root, folder, file)))
}

/** The one file of `src` that a test is of: it imports no other, and nothing of `test/`. */
function onlyFileOf(path: string, text: string): string | undefined {
  const imported = [...text.matchAll(/from '(\.[^']+)'/g)].map(([, specifier = '']) =>
    normalize(join(dirname(path), specifier)),
  )
  const own = [...new Set(imported.filter((file) => file.startsWith(`${packageOf(path)}/`)))]
  const [only = ''] = own
  const isFile = only.startsWith(`${packageOf(path)}/src/`) && !only.endsWith('/index.ts')
  return own.length === 1 && isFile ? only : undefined
}

describe('a test', () => {
  it('in src has the name of a file beside it', () => {
    expect(testsIn('src').filter((path) => !isBesideItsFile(path))).toEqual([])
  })

  it('in test/ is not of one file only: that one is beside it', () => {
    const misplaced = testsIn('test').flatMap((path) => {
      const file = onlyFileOf(path, read(path))
      return file === undefined ? [] : [`${path} is of ${file}`]
    })
    expect(misplaced).toEqual([])
  })

  it('in a wrong place is found: the control', () => {
    expect(isBesideItsFile('packages/jws/src/made-up.test.ts')).toBe(false)
    const one = `import { isKid } from '../src/kid.ts'\nimport { rounds } from '../../../rounds.ts'\n`
    expect(onlyFileOf('packages/jws/test/kid.test.ts', one)).toBe('packages/jws/src/kid.ts')
    expect(
      onlyFileOf('packages/jws/test/kid.test.ts', `${one}import { readJws } from '../src/compact.ts'\n`),
    ).toBeUndefined()
  })
})

describe('docs/rfc-matrix.md', () => {
  /** The tests of a row: paths below `apps/auth`, or below the package named before them. */
  function testsOf(cell: string): string[] {
    let base = 'apps/auth'
    return [...cell.matchAll(/`([^`]+)`/g)].flatMap(([, path = '']) => {
      if (!/^(?:apps|packages|tools)\/[^/]+$/.test(path)) return [`${base}/${path}`]
      base = path
      return []
    })
  }

  it('names tests that exist', () => {
    const cells = read('docs/rfc-matrix.md')
      .split('\n')
      .filter((line) => line.startsWith('| RFC'))
      .map((line) => line.split('|')[3] ?? '')
    const tests = cells.flatMap((cell) => testsOf(cell))
    expect(tests.length).toBeGreaterThan(30)
    expect(tests.filter((path) => globSync(`${path}{.test.ts,.decider.test.ts}`, { cwd: root }).length === 0)).toEqual(
      [],
    )
  })
})
