/**
 * Makes the package that is published, in `dist` or in the folder that is given (`node build.ts <folder>`): JavaScript and declarations of the verifier and of the internal packages it
 * stands on, which are not published themselves and so are taken in, and a manifest without them.
 */
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import ts from 'typescript'
import { z } from 'zod'

const PACKAGE = import.meta.dirname
const PACKAGES = dirname(PACKAGE)
const ROOT = dirname(PACKAGES)

/** The internal packages that are taken in, and where in `dist` each is. */
const TAKEN_IN = ['jws', 'oauth', 'revocation']

const Target = z.object({ '@ledgate/source': z.string(), types: z.string(), default: z.string() })
const Manifest = z.looseObject({
  exports: z.record(z.string(), Target),
  dependencies: z.record(z.string(), z.string()),
})
type Manifest = z.infer<typeof Manifest>

const readManifest = (name: string): Manifest =>
  Manifest.parse(JSON.parse(readFileSync(join(PACKAGES, name, 'package.json'), 'utf8')))

/** Where in `dist` a source file of one of the packages comes out, its ending aside. */
function placeIn(dist: string, source: string): string {
  const [name = '', src, ...path] = relative(PACKAGES, source).split(/[\\/]/)
  if (src !== 'src') throw new Error(`${source} is no source of a package`)
  if (name === 'verifier') return join(dist, ...path)
  if (!TAKEN_IN.includes(name)) throw new Error(`${name} is not taken in, but ${source} is needed`)
  return join(dist, name, ...path)
}

/** The source that each specifier of an internal package stands for. */
const entries = new Map(
  TAKEN_IN.flatMap((name) =>
    Object.entries(readManifest(name).exports).map(([subpath, target]) => [
      `@ledgate/${name}${subpath.slice(1)}`,
      join(PACKAGES, name, target['@ledgate/source']),
    ]),
  ),
)

/** One specifier as it is in `dist`, for a file in this folder. */
function specifierFrom(dist: string, folder: string, specifier: string): string {
  if (specifier.startsWith('.')) return specifier.replace(/\.ts$/, '.js')
  const entry = entries.get(specifier)
  if (entry === undefined) return specifier
  const path = relative(folder, placeIn(dist, entry)).replace(/\.ts$/, '.js').replaceAll('\\', '/')
  return path.startsWith('.') ? path : `./${path}`
}

/** In statements, in `import(...)` expressions and in `import(...)` types. */
const SPECIFIER = /((?:^|[\s}])from\s*|\bimport\s*\(?\s*)(["'])((?:\.|@ledgate\/)[^"']*)\2/gm

const rewritten = (dist: string, folder: string, text: string): string =>
  text.replace(SPECIFIER, (_, before: string, quote: string, specifier: string) => {
    const name = specifierFrom(dist, folder, specifier)
    return `${before}${quote}${name}${quote}`
  })

/** Compiles the entries, and with them whatever they need. @throws {Error} for anything the compiler has to say. */
function compile(dist: string, sources: readonly string[]): void {
  const configuration = ts.readConfigFile(join(ROOT, 'tsconfig.base.json'), (path) => ts.sys.readFile(path))
  const { options } = ts.parseJsonConfigFileContent(configuration.config, ts.sys, ROOT)
  const program = ts.createProgram([...sources], {
    ...options,
    noEmit: false,
    // Otherwise they are libraries to the compiler, which it would not compile.
    paths: Object.fromEntries([...entries].map(([specifier, source]) => [specifier, [source]])),
    declaration: true,
    rootDir: PACKAGES,
    outDir: dist,
  })
  const { diagnostics } = program.emit(undefined, (path, text) => {
    const place = placeIn(dist, join(PACKAGES, relative(dist, path)))
    mkdirSync(dirname(place), { recursive: true })
    writeFileSync(place, rewritten(dist, dirname(place), text))
  })
  const problems = [...ts.getPreEmitDiagnostics(program), ...diagnostics]
  if (problems.length === 0) return
  const host = { getCanonicalFileName: (name: string) => name, getCurrentDirectory: () => ROOT, getNewLine: () => '\n' }
  throw new Error(ts.formatDiagnostics(problems, host))
}

const inDist = (path: string) => path.replace(/^\.\/dist\//, './')

/** Here Node comes with the repository; there it is what people have. The first that has all that is used, and can `require` it. */
const ENGINES = { node: '>=22.12' }

/** The manifest without what is for this repository only. */
function published(manifest: Manifest): object {
  const { private: _private, scripts: _scripts, nx: _nx, devDependencies: _development, ...rest } = manifest
  const dependencies = Object.entries(rest.dependencies).filter(([name]) => !name.startsWith('@ledgate/'))
  return {
    ...rest,
    engines: ENGINES,
    exports: Object.fromEntries(
      Object.entries(rest.exports).map(([subpath, { types, default: main }]) => [
        subpath,
        { types: inDist(types), default: inDist(main) },
      ]),
    ),
    dependencies: Object.fromEntries(dependencies),
  }
}

/** Makes it in a folder. @throws {Error} for anything the compiler has to say. */
export function build(dist: string): void {
  const manifest = readManifest('verifier')
  rmSync(dist, { recursive: true, force: true })
  compile(
    dist,
    Object.values(manifest.exports).map((target) => resolve(PACKAGE, target['@ledgate/source'])),
  )
  for (const { types, default: main } of Object.values(manifest.exports))
    for (const path of [types, main])
      if (!existsSync(join(dist, inDist(path)))) throw new Error(`${path} is promised and was not made`)
  writeFileSync(join(dist, 'package.json'), JSON.stringify(published(manifest), undefined, 2))
  cpSync(join(PACKAGE, 'README.md'), join(dist, 'README.md'))
}

if (import.meta.main) build(resolve(process.argv[2] ?? join(PACKAGE, 'dist')))
