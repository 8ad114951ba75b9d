import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  eventDefinitions,
  Environment,
  figureOf,
  grantTypes,
  limitNames,
  MAX_ADMINISTRATORS,
  MAX_AUTHORIZATION_BYTES,
  MAX_METADATA_BYTES,
  MAX_PASSWORD,
  MAX_RESOURCE,
  MAX_SCOPE_TOKEN,
  MAX_URI,
} from '@ledgate/auth'
import { describe, expect, it } from 'vitest'

const root = join(import.meta.dirname, '..', '..', '..')
const read = (path: string) => readFileSync(join(root, path), 'utf8')

/** The first cells of the rows of all tables of a page, without their back quotes. */
const firstCells = (page: string) =>
  [...page.matchAll(/^\| `([^`]+)`/gm)].map(([, cell]) => cell ?? '').sort((a, b) => a.localeCompare(b))

const number = (value: number) => value.toLocaleString('en')

const sorted = (names: Iterable<string>) => [...new Set(names)].sort((a, b) => a.localeCompare(b))

function sources(folder: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts') && !entry.name.endsWith('.test.ts'))
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((file) => !file.includes('node_modules') && !file.includes('/testing/') && file.includes('/src/'))
}

const allSources = ['apps/auth', 'packages'].flatMap(sources).map((file) => readFileSync(file, 'utf8'))

describe('docs/events.md', () => {
  it('lists every event of the catalogue, in its version of today, and no other', () => {
    const written = sorted(eventDefinitions.map(({ type, version }) => `${type} v${version}`))
    expect(firstCells(read('docs/events.md'))).toEqual(written)
  })
})

describe('docs/errors.md', () => {
  it('lists every code an answer, a store or a command can carry, and no other', () => {
    const codes = allSources.flatMap((source) => [
      ...[...source.matchAll(/(?:super|new OAuthError)\(\s*'([a-z_]+)',/g)].map(([, code]) => code ?? ''),
      ...[...source.matchAll(/error: '([a-z_]+)'/g)].map(([, code]) => code ?? ''),
      ...[...source.matchAll(/'(ERR_[A-Z_]+)'/g)].map(([, code]) => code ?? ''),
    ])
    expect(firstCells(read('docs/errors.md'))).toEqual(sorted(codes))
  })
})

describe('the grant types', () => {
  const names = Object.keys(grantTypes).map((type) => type.replaceAll('_', ' '))

  it('of the token endpoint are those that the README lists', () => {
    const [, listed = ''] = /\| Token endpoint: ([a-z ,]+?) *\|/.exec(read('README.md')) ?? []
    expect(sorted(listed.split(', ').map((name) => name.replace(/ with .*/, '')))).toEqual(sorted(names))
  })

  it('are each in the row of RFC 6749 of the matrix', () => {
    const [row = ''] = /^\| RFC 6749 .*$/m.exec(read('docs/rfc-matrix.md')) ?? []
    for (const name of names) expect(row).toMatch(new RegExp(`§[0-9.]+ ${name}`))
  })
})

describe('docs/operations.md', () => {
  const page = read('docs/operations.md')

  it('lists every setting the server reads, and no other', () => {
    expect(firstCells(page).filter((name) => name.startsWith('LEDGATE_'))).toEqual(
      sorted(Object.keys(Environment.shape)),
    )
  })

  it('lists every limit with its default, and no other', () => {
    const [, limits = ''] = /^## Limits$([^]*?)^## /m.exec(page) ?? []
    const rows = [...limits.matchAll(/^\| `([^`]+)` *\| (\d+)/gm)].map(([, name, figure]) => `${name} ${figure}`)
    expect(sorted(rows)).toEqual(sorted(limitNames.map((name) => `${name} ${figureOf(name)}`)))
  })

  it('states the limits that are declared', () => {
    const rows = [
      ['roles and entitlements of a user, together as JSON', `${number(MAX_AUTHORIZATION_BYTES)} bytes`],
      ['metadata of a client or resource server', `${number(MAX_METADATA_BYTES)} bytes`],
      ['a password', `${number(MAX_PASSWORD)} characters`],
      ['a URI', `${number(MAX_URI)} characters`],
      ['the identifier of a resource server', `${number(MAX_RESOURCE)} characters`],
      ['a scope token', `${number(MAX_SCOPE_TOKEN)} characters`],
      ['administrators', number(MAX_ADMINISTRATORS)],
    ]
    for (const row of rows) expect(page.replaceAll(/ +/g, ' ')).toContain(`| ${row.join(' | ')} |`)
  })

  it('lists every metric of our own, and no other', () => {
    const metrics = allSources.flatMap((source) =>
      [...source.matchAll(/'(ledgate_[a-z_]+)'/g)].map(([, name]) => name ?? ''),
    )
    expect(firstCells(page).filter((name) => name.startsWith('ledgate_'))).toEqual(sorted(metrics))
  })
})

describe('README.md', () => {
  const numbers = (text: string) => sorted([...text.matchAll(/\b\d{4}\b/g)].map(([number]) => number))

  it('lists the standards of the RFC matrix, and no other', () => {
    const [, section = ''] = /^## Standards$([^]*?)^## /m.exec(read('README.md')) ?? []
    const standards = [...read('docs/rfc-matrix.md').matchAll(/^\| (RFC [^|]*)/gm)].map(([, cell = '']) => cell)
    expect(numbers([...section.matchAll(/RFC \d{4}/g)].join())).toEqual(numbers(standards.join()))
  })
})

describe('the npm scripts', () => {
  it('that the README names are there', () => {
    const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> }
    const named = [...read('README.md').matchAll(/npm (?:run (?:-s )?)?([a-z:]+)/g)].map(([, name]) => name ?? '')
    for (const name of named.filter((script) => !['ci', 'install'].includes(script)))
      expect(scripts).toHaveProperty([name])
  })
})

describe('the repository', () => {
  it('names no path of one machine and no registry host', () => {
    const files = ['package.json', 'package-lock.json', 'README.md', 'ARCHITECTURE.md', '.npmrc', '.ci/run']
    for (const text of [...files.map(read), ...allSources]) {
      expect(text).not.toMatch(/"resolved": "http/)
      expect(text).not.toMatch(/\/home\/|\/Users\//)
    }
  })
})
