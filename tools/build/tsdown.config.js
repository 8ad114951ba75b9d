/**
 * The one build of every package whose package.json says `./dist`. The script `build` of the package runs it there:
 *
 *     tsdown --config ../../tools/build/tsdown.config.js [--out-dir FOLDER]
 *
 * It bundles each entry of `exports`, and each worker of `ledgate.workers`, as ES modules with source maps and declarations.
 * Packages of this repository in `devDependencies` are bundled; every other import stays. The result is a package of its
 * own, with a manifest, the README and the licence: `npm pack` and `npm publish` take it as it is.
 */
import { copyFileSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { defineConfig } from 'tsdown'

const ROOT = join(import.meta.dirname, '..', '..')
const SOURCE = '@ledgate/source'

const readManifest = (folder) => JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))

/** `./src/http/index.ts` for `./dist/http/index.js` gives the entry `http/index`. */
const entryName = (path) => path.replace(/^\.\/dist\//, '').replace(/\.js$/, '')

/**
 * Where the compiler finds the sources of the packages of this repository. Without it they are libraries in `node_modules`,
 * of which it emits no declarations.
 */
const sourcePaths = () =>
  Object.fromEntries(
    readdirSync(join(ROOT, 'packages')).flatMap((name) => {
      const folder = join(ROOT, 'packages', name)
      return Object.entries(readManifest(folder).exports).map(([subpath, target]) => [
        `@ledgate/${name}${subpath.slice(1)}`,
        [join(folder, target[SOURCE])],
      ])
    }),
  )

/** The fields of a manifest that are for this repository. */
const REPOSITORY_ONLY = ['private', 'scripts', 'nx', 'ledgate', 'devDependencies']

const inDist = (path) => path.replace(/^\.\/dist\//, './')

/** The manifest of the built package: without what is true in this repository only. */
function publishedManifest(manifest) {
  const rest = Object.entries(manifest).filter(([field]) => !REPOSITORY_ONLY.includes(field))
  const exports = Object.entries(manifest.exports).map(([subpath, { types, default: main }]) => [
    subpath,
    { types: inDist(types), default: inDist(main) },
  ])
  return {
    ...Object.fromEntries(rest),
    files: ['**/*.js', '**/*.js.map', '**/*.d.ts', 'NOTICE'],
    exports: { ...Object.fromEntries(exports), './package.json': './package.json' },
  }
}

export default defineConfig(({ outDir = 'dist' }) => {
  const folder = process.cwd()
  const manifest = readManifest(folder)
  const entries = Object.values(manifest.exports).map((target) => [entryName(target.default), target[SOURCE]])
  const workers = (manifest.ledgate?.workers ?? []).map((path) => [path.replace(/^\.\/src\/|\.ts$/g, ''), path])
  const bundled = Object.keys(manifest.devDependencies ?? {}).filter((name) => name.startsWith('@ledgate/'))
  return {
    cwd: folder,
    entry: Object.fromEntries([...entries, ...workers]),
    outDir,
    format: 'esm',
    platform: 'node',
    target: 'node22.12',
    fixedExtension: false,
    sourcemap: true,
    dts: { sourcemap: false, resolver: 'tsc', compilerOptions: { paths: sourcePaths() } },
    deps: { neverBundle: true, alwaysBundle: bundled.map((name) => new RegExp(`^${name}(/|$)`)) },
    tsconfig: join(ROOT, 'tsconfig.base.json'),
    inputOptions: { resolve: { conditionNames: [SOURCE, 'import', 'node', 'default'] } },
    // How long plugins take is no news: declarations come from the compiler.
    checks: { pluginTimings: false },
    outputOptions: { chunkFileNames: 'shared/[name]-[hash].js' },
    failOnWarn: true,
    report: false,
    hooks: {
      'build:done'() {
        writeFileSync(join(outDir, 'package.json'), `${JSON.stringify(publishedManifest(manifest), undefined, 2)}\n`)
        copyFileSync(join(folder, 'README.md'), join(outDir, 'README.md'))
        for (const file of ['LICENSE', 'NOTICE']) copyFileSync(join(ROOT, file), join(outDir, file))
      },
    },
  }
})
