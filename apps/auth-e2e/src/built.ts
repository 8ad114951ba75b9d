import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { build as bundle, type Rolldown } from 'vite'
import type { TestProject } from 'vitest/node'
import { pace } from '../../../rounds.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** For a file of an app's source, what was built of it. */
    built: Readonly<Record<string, string>>
  }
}

const ROOT = join(import.meta.dirname, '../../..')
const CACHE = join(ROOT, 'node_modules/.cache/ledgate-built')

/** What is started as a process. */
const MAINS = { server: 'auth/src/main.ts', ledgate: 'auth/src/ledgate.ts', demo: 'demo/src/api/main.ts' }

/** What those start as threads, by the names that they start them by. */
const THREADS = {
  projector: 'apps/auth/src/compose/projector.ts',
  'password-worker': 'apps/auth/src/password/password-worker.ts',
  writer: 'packages/eventstore-sqlite/src/writer.ts',
  'vault-writer': 'packages/vault/src/sqlite/vault-writer.ts',
}

/** These look for their own files, or are big and seldom asked. */
const ASIDE = [
  'better-sqlite3',
  '@node-rs/argon2',
  'piscina',
  'kafkajs',
  '@eventstore/db-client',
  '@zxcvbn-ts/language-common',
]

/** Writes the files into a folder that is named by what is in it, so that a run beside this one finds its own. */
async function build(): Promise<string> {
  const { output } = (await bundle({
    configFile: false,
    root: ROOT,
    logLevel: 'warn',
    ssr: { noExternal: true, external: ASIDE, resolve: { conditions: ['@ledgate/source', 'node'] } },
    build: {
      ssr: true,
      write: false,
      minify: false,
      rolldownOptions: {
        input: Object.fromEntries([
          ...Object.entries(MAINS).map(([name, path]) => [name, join(ROOT, 'apps', path)] as const),
          ...Object.entries(THREADS).map(([name, path]) => [name, join(ROOT, path)] as const),
        ]),
        output: { entryFileNames: '[name].js', chunkFileNames: '[name]-[hash].js' },
      },
    },
  })) as Rolldown.RolldownOutput
  const files = output.map((file) => [file.fileName, file.type === 'chunk' ? file.code : file.source] as const)
  const folder = join(CACHE, createHash('sha256').update(JSON.stringify(files)).digest('hex').slice(0, 16))
  if (existsSync(folder)) return folder
  mkdirSync(CACHE, { recursive: true })
  const begun = mkdtempSync(join(CACHE, 'begun-'))
  writeFileSync(join(begun, 'package.json'), '{"type":"module"}')
  for (const [name, content] of files) writeFileSync(join(begun, name), content)
  try {
    renameSync(begun, folder)
  } catch (error) {
    rmSync(begun, { recursive: true }) // another run was first
    if (!existsSync(folder)) throw error
  }
  return folder
}

/**
 * A process loads 1,300 files of source before it does anything, and the tests start some hundred. At the quick pace they
 * start what was built of it, in a few files; the long run and the tour start the source itself, as an operator does.
 */
export async function setup(project: TestProject): Promise<void> {
  if (pace !== 'quick') return project.provide('built', {})
  const folder = await build()
  const built = Object.entries(MAINS).map(([name, path]) => [path, join(folder, `${name}.js`)] as const)
  project.provide('built', Object.fromEntries(built))
}
