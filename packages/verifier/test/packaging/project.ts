import { execFile, fork } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { build } from 'vite'
import type { Asked, Said } from './compiler.ts'

export const run = promisify(execFile)
export const PACKAGE = join(import.meta.dirname, '../..')
const INSTALLED = join(PACKAGE, '../../node_modules')

/** A compiler in a process of its own. */
export interface Compiler {
  /** @returns what it has to say; nothing when all is well. */
  ask(asked: Asked): Promise<string>
  close(): void
}

export function startCompiler(): Compiler {
  const child = fork(join(import.meta.dirname, 'compiler.ts'), { execArgv: ['--conditions=@ledgate/source'] })
  const gone = once(child, 'exit').then(() => Promise.reject(new Error('the compiler is gone')))
  gone.catch(() => undefined)
  return {
    async ask(asked) {
      const answered = once(child, 'message') as Promise<[Said]>
      child.send(asked)
      const [{ said }] = await Promise.race([answered, gone])
      return said
    },
    close: () => void child.kill(),
  }
}

/** Builds and packs the package. @returns the tarball and what is in it. @throws {Error} when the build fails or warns. */
export async function packed(folder: string): Promise<{ readonly tarball: string; readonly files: readonly string[] }> {
  const built = join(folder, 'built')
  await run(tool('tsdown'), ['--config', '../../tools/build/tsdown.config.js', '--out-dir', built], { cwd: PACKAGE })
  const { stdout } = await run(
    'npm',
    ['pack', built, '--pack-destination', folder, '--json', '--ignore-scripts', '--offline'],
    {
      env: { ...process.env, npm_config_cache: join(folder, 'cache'), npm_config_update_notifier: 'false' },
    },
  )
  const tarball = join(folder, [JSON.parse(stdout)].flat(2).flatMap((each) => tarballsIn(each))[0] ?? '')
  const { stdout: list } = await run('tar', ['-tzf', tarball])
  return { tarball, files: list.trim().split('\n') }
}

/** The command of a tool that is installed in this repository. */
export const tool = (name: string): string => join(INSTALLED, '.bin', name)

/** The name of the tarball: npm says it in a list or, from version 12 on, by package. */
const tarballsIn = (said: object): string[] =>
  'filename' in said ? [String(said.filename)] : Object.values(said).flatMap((each) => tarballsIn(each))

/** An empty project outside the repository, in which the tarball is installed. */
export interface Project {
  write(path: string, content: string): void
  read(path: string): string
  /** Runs a file of it with Node. @returns what it printed. @throws when it fails, with all that it said. */
  node(...args: readonly string[]): Promise<string>
  /** Makes one minified file of a file of it and of all that it needs, in `dist`. */
  bundle(entry: string): Promise<void>
  readonly folder: string
}

export function temporaryFolder(): string {
  return mkdtempSync(join(tmpdir(), 'ledgate-verifier-'))
}

export const remove = (folder: string) => rmSync(folder, { recursive: true, force: true })

/**
 * Installs as npm would, without a registry.
 *
 * @param copied dependencies that come alone, so that nothing of the repository is reached through them.
 * @param linked frameworks, with all that they need themselves.
 */
export async function project(
  folder: string,
  tarball: string,
  { copied, linked = [] }: { readonly copied: readonly string[]; readonly linked?: readonly string[] },
): Promise<Project> {
  const modules = join(folder, 'node_modules')
  const installed = join(modules, '@ledgate/verifier')
  mkdirSync(installed, { recursive: true })
  await run('tar', ['-xzf', tarball, '-C', installed, '--strip-components=1'])
  for (const name of copied) cpSync(join(INSTALLED, name), join(modules, name), { recursive: true, dereference: true })
  for (const name of linked) {
    mkdirSync(dirname(join(modules, name)), { recursive: true })
    symlinkSync(join(INSTALLED, name), join(modules, name))
  }
  const write = (path: string, content: string) => writeFileSync(join(folder, path), content)
  write('package.json', JSON.stringify({ name: 'somebody', private: true, type: 'module' }))
  // Neither the conditions of this test nor its loader are those of the project.
  const env = { PATH: process.env['PATH'] ?? '' }
  // `SDK_NODE` is the path of another Node: continuous integration names the oldest that `engines` allows.
  const executable = process.env['SDK_NODE'] ?? process.execPath
  const node = async (...args: readonly string[]) =>
    (await run(executable, [...args], { cwd: folder, env })).stdout.trim()
  return {
    folder,
    write,
    read: (path) => readFileSync(join(folder, path), 'utf8'),
    node,
    async bundle(entry) {
      await build({
        root: folder,
        configFile: false,
        logLevel: 'silent',
        ssr: { noExternal: true, target: 'node' },
        build: {
          ssr: join(folder, entry),
          minify: true,
          rolldownOptions: { output: { entryFileNames: '[name].mjs' } },
        },
      })
    },
  }
}
