/**
 * Holds the sizes that `ledgate.sizes` in a package's package.json allows its entries: `node size.js [FOLDER]`, FOLDER being
 * the built package (default: `dist`). A size is what an entry adds to a bundle: minified, gzipped, without dependencies.
 */
import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { gzipSync } from 'node:zlib'
import { build } from 'esbuild'

const folder = resolve(process.argv[2] ?? 'dist')
const { ledgate } = JSON.parse(readFileSync('package.json', 'utf8'))
const { exports } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))

/** Bytes of an entry and all of the package that it imports. */
async function sizeOf(entry) {
  const { outputFiles } = await build({
    entryPoints: [join(folder, exports[entry].default)],
    bundle: true,
    minify: true,
    format: 'esm',
    platform: 'node',
    packages: 'external',
    write: false,
    logLevel: 'error',
  })
  return gzipSync(outputFiles[0].contents).length
}

for (const [entry, limit] of Object.entries(ledgate.sizes)) {
  const size = await sizeOf(entry)
  console.log(`${entry}: ${size} bytes of ${limit}`)
  if (size > limit) process.exitCode = 1
}
