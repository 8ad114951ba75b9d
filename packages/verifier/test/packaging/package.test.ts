import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { controls } from '../../../../rounds.ts'
import { ADAPTERS, APP, BUNDLED, PRINTED, TYPES } from './programs.ts'
import { PACKAGE, packed, type Project, project, remove, run, startCompiler, temporaryFolder, tool } from './project.ts'

const COPIED = ['jose', 'zod', '@types/node', 'undici-types']
const FRAMEWORKS = [
  ...['fastify', 'express', '@types/express', 'koa', '@types/koa', 'hono', '@nestjs/common', 'kafkajs'],
  ...['rxjs', 'reflect-metadata', '@types/express-serve-static-core', 'ws', '@types/ws'],
]

const CONFIGURATION = {
  compilerOptions: {
    module: 'nodenext',
    target: 'es2023',
    lib: ['es2023', 'esnext.disposable'],
    types: ['node'],
    strict: true,
    exactOptionalPropertyTypes: true,
    noUncheckedIndexedAccess: true,
    noEmit: true,
  },
  include: ['*.ts'],
}

/** The programs in a page. */
const examplesOf = (page: string): readonly string[] =>
  [...page.matchAll(/^```ts\n(.*?)^```$/gms)].map(([, example = '']) => example)

describe('the packed tarball', () => {
  const compiler = startCompiler()
  /** What the compiler has to say of a project. */
  const typeErrors = ({ folder }: Project) => compiler.ask({ check: folder })
  const folders: string[] = []
  const newFolder = () => {
    const folder = temporaryFolder()
    folders.push(folder)
    return folder
  }
  let tarball: string
  let files: readonly string[]
  let alone: Project

  beforeAll(async () => {
    ;({ tarball, files } = await packed(newFolder()))
    alone = await project(newFolder(), tarball, { copied: COPIED })
    alone.write('app.mjs', APP)
    alone.write('old.cjs', `console.log(typeof require('@ledgate/verifier').createVerifier)`)
    alone.write('tsconfig.json', JSON.stringify(CONFIGURATION))
    alone.write('app.ts', APP)
    alone.write('types.ts', TYPES)
  })
  afterAll(() => {
    compiler.close()
    folders.forEach((folder) => remove(folder))
  })

  it('has code, source maps, declarations, a manifest, a README and the licence, and nothing else', () => {
    const others = files.filter((file) => !/^package\/[\w./-]+\.(?:js|js\.map|d\.ts)$/.test(file))
    expect(others.sort()).toEqual(
      ['LICENSE', 'NOTICE', 'README.md', 'package.json'].map((name) => `package/${name}`).sort(),
    )
    expect(files.filter((file) => /test\.|\/test\//.test(file))).toEqual([])
  })

  it('has source maps that contain the source', () => {
    const map = JSON.parse(alone.read('node_modules/@ledgate/verifier/index.js.map'))
    expect(map.sources.length).toBeGreaterThan(0)
    expect(map.sourcesContent.map((source: unknown) => typeof source)).toEqual(map.sources.map(() => 'string'))
  })

  it('says what it depends on: ranges for jose and zod, no package of this repository', () => {
    const manifest = JSON.parse(alone.read('node_modules/@ledgate/verifier/package.json'))
    expect(Object.keys(manifest.dependencies)).toEqual(['jose', 'zod'])
    expect(Object.values(manifest.dependencies).join(' ')).toMatch(/^\^[\d.]+ \^[\d.]+$/)
    expect(JSON.stringify(manifest)).not.toMatch(/@ledgate\/(?!verifier)|"private"|"scripts"/)
  })

  it('passes publint', async () => {
    const { stdout } = await run(tool('publint'), ['--strict', tarball])
    expect(stdout).toContain('All good!')
  })

  it('has types that every resolver of ES modules finds (attw)', async () => {
    await run(tool('attw'), [tarball, '--profile', 'esm-only'])
  })

  it('keeps the size limits of its entries', async () => {
    const size = join(PACKAGE, '../../tools/build/size.js')
    await run(process.execPath, [size, join(alone.folder, 'node_modules/@ledgate/verifier')], { cwd: PACKAGE })
  })

  it('works in an empty project from plain ESM, with jose and zod only', async () => {
    expect((await alone.node('app.mjs')).split('\n')).toEqual(PRINTED)
  })

  it('does what its README shows of a test', async () => {
    const example = examplesOf(alone.read('node_modules/@ledgate/verifier/README.md')).find((each) =>
      each.includes('testIssuer()'),
    )
    alone.write('readme.mjs', example ?? '')
    expect([example === undefined, await alone.node('readme.mjs')]).toEqual([false, ''])
  })

  it('works in CommonJS by require()', async () => {
    expect(await alone.node('old.cjs')).toBe('function')
  })

  it('has nothing but its entries', async () => {
    alone.write('inside.mjs', `await import('@ledgate/verifier/revocation/index.js')`)
    await expect(alone.node('inside.mjs')).rejects.toThrow('ERR_PACKAGE_PATH_NOT_EXPORTED')
  })

  it('works in a bundle made by esbuild, dependencies included', async () => {
    await run(
      tool('esbuild'),
      ['app.mjs', '--bundle', '--minify', '--platform=node', '--format=esm', '--outfile=app.min.mjs'],
      {
        cwd: alone.folder,
      },
    )
    expect((await alone.node('app.min.mjs')).split('\n')).toEqual(PRINTED)
  })

  it('mends kafkajs in a bundle, too, minified as bundles are', async () => {
    const bundled = await project(newFolder(), tarball, { copied: COPIED, linked: ['kafkajs'] })
    bundled.write('service.mjs', BUNDLED)
    await bundled.bundle('service.mjs')
    expect(await bundled.node('dist/service.mjs', 'opened')).toBe('7\nquiet')
    // Nothing is mended before it is used, and nobody's kafkajs that does not use it.
    // Before Node 24 nothing warns of a negative timeout.
    expect(await bundled.node('dist/service.mjs')).not.toMatch(process.env['SDK_NODE'] ? /^7/m : /^7|quiet/m)
  })

  it('has types that stand alone, declarations of libraries checked as well', async () => {
    expect(await typeErrors(alone)).toBe('')
  })

  controls(() =>
    it('control: the compiler sees a mistake', async () => {
      alone.write('mistake.ts', `import { createVerifier } from '@ledgate/verifier'\ncreateVerifier({})\n`)
      expect(await typeErrors(alone)).toContain('mistake.ts(2,')
      alone.write('mistake.ts', '')
    }),
  )

  it('works with every framework, in JavaScript and TypeScript, and so does everything in its README', async () => {
    const { compilerOptions } = CONFIGURATION
    const framed = await project(newFolder(), tarball, { copied: COPIED, linked: FRAMEWORKS })
    framed.write('adapters.mjs', ADAPTERS)
    framed.write('adapters.ts', ADAPTERS)
    const examples = examplesOf(framed.read('node_modules/@ledgate/verifier/README.md'))
    expect(examples.length).toBeGreaterThan(5)
    // Each is a program of its own: that it exports nothing must not make a script of it.
    examples.forEach((example, nth) => framed.write(`readme-${nth}.ts`, `${example}\nexport {}\n`))
    framed.write('tsconfig.json', JSON.stringify({ compilerOptions: { ...compilerOptions, skipLibCheck: true } }))
    expect(await framed.node('adapters.mjs')).toBe('function object object\n401')
    expect(await typeErrors(framed)).toBe('')
  })
})
