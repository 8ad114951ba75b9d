import { existsSync, globSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'

const root = join(import.meta.dirname, '..', '..', '..')
const read = (path: string) => readFileSync(join(root, path), 'utf8')

const Versions = z.record(z.string(), z.string()).default({})
const Manifest = z.looseObject({
  name: z.string(),
  version: z.string(),
  private: z.literal(true).optional(),
  description: z.string().min(10),
  keywords: z.array(z.string()).min(1),
  license: z.literal('Apache-2.0'),
  repository: z.object({
    type: z.literal('git'),
    url: z.string().startsWith('git+https://'),
    directory: z.string().optional(),
  }),
  engines: z.object({ node: z.string() }),
  files: z.array(z.string()).min(1).optional(),
  exports: z.record(z.string(), z.unknown()).default({}),
  scripts: z.record(z.string(), z.string()).default({}),
  dependencies: Versions,
  devDependencies: Versions,
  peerDependencies: Versions,
})
const manifestOf = (path: string) => Manifest.parse(JSON.parse(read(path)))

const folders = globSync('{apps,packages,tools}/*/package.json', { cwd: root }).map((path) => dirname(path))
const rootManifest = manifestOf('package.json')

/** What is published, and the oldest Node its code runs on. */
const PUBLISHED = new Map([['packages/verifier', '>=22.12']])
const EXACT = /^\d+\.\d+\.\d+$/

describe.each(folders)('%s', (folder) => {
  const manifest = manifestOf(`${folder}/package.json`)
  const engines = PUBLISHED.get(folder)
  const own = Object.entries(manifest.dependencies).filter(([name]) => name.startsWith('@ledgate/'))
  const others = Object.entries(manifest.dependencies).filter(([name]) => !name.startsWith('@ledgate/'))

  it('has a description, keywords, a licence, a repository, an engine, a list of files and a README', () => {
    expect(manifest.repository).toEqual({ ...rootManifest.repository, directory: folder })
    expect(manifest.files?.length).toBeGreaterThan(0)
    expect(existsSync(join(root, folder, 'README.md'))).toBe(true)
    expect(manifest.version).toBe(rootManifest.version)
  })

  it('names the Node it needs: the pinned one in the repository, the oldest possible one when published', () => {
    const [pinned] = (rootManifest.devDependencies['node'] ?? '').split('.')
    expect(manifest.engines.node).toBe(engines ?? `>=${pinned}`)
  })

  it('has caret ranges where it is published, and exact versions elsewhere', () => {
    const ranges = others.map(([, range]) => range)
    if (engines === undefined) expect(ranges.filter((range) => !EXACT.test(range))).toEqual([])
    else expect(ranges.filter((range) => !EXACT.test(range.slice(1)) || range[0] !== '^')).toEqual([])
    expect(Object.entries(manifest.devDependencies).filter(([, range]) => !EXACT.test(range))).toEqual([])
  })

  it('is private, or else depends on no package of this repository', () => {
    expect(manifest.private === true).toBe(engines === undefined)
    if (engines !== undefined) expect(own).toEqual([])
  })

  it('can be built when it exports ./dist', () => {
    const isBuilt = JSON.stringify(manifest.exports).includes('./dist/')
    expect(manifest.scripts['build']).toBe(isBuilt ? 'tsdown --config ../../tools/build/tsdown.config.js' : undefined)
  })

  it('has a README that names only functions that exist', () => {
    const sources = globSync(`${folder}/**/*.{ts,mjs}`, {
      cwd: root,
      exclude: (path) => /node_modules|dist/.test(path),
    })
    const text = sources.map((path) => read(path)).join('\n')
    const named = [...read(`${folder}/README.md`).matchAll(/`([a-zA-Z]+)\(\)`/g)].map(([, name = '']) => name)
    expect(named.filter((name) => !new RegExp(`\\b${name}\\b`).test(text))).toEqual([])
  })
})

describe('package.json', () => {
  it('runs from Node 20 on, because its scripts bring the pinned version', () => {
    expect(rootManifest.engines.node).toBe('>=20')
    expect(rootManifest.devDependencies['node']).toMatch(EXACT)
  })
})

describe('package-lock.json', () => {
  const Locked = z.object({ optionalDependencies: Versions })
  const { packages } = z.object({ packages: z.record(z.string(), Locked) }).parse(JSON.parse(read('package-lock.json')))

  /** Whether the lock file has a package where Node would look for it from another one. */
  function isLocked(from: string, name: string): boolean {
    if (`${from && `${from}/`}node_modules/${name}` in packages) return true
    return from !== '' && isLocked(from.replace(/\/?node_modules\/(?:@[^/]+\/)?[^/]+$/, ''), name)
  }

  it('has every optional dependency, for each platform: without them npm ci refuses the whole file', () => {
    const missing = Object.entries(packages).flatMap(([path, { optionalDependencies }]) =>
      Object.keys(optionalDependencies)
        .filter((name) => !isLocked(path, name))
        .map((name) => `${path} needs ${name}`),
    )
    expect(missing).toEqual([])
  })
})
