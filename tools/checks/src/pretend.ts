import { readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import ts from 'typescript'

/** A change to one file that nobody makes: the names of files are from the root of the repository. */
export interface Pretended {
  readonly file: string
  readonly before: string
  readonly after: string
}

/**
 * A file's text with the changes that are about it.
 *
 * @throws {Error} when it has no longer what a change replaces.
 */
export function pretend(file: string, text: string, changes: readonly Pretended[]): string {
  return changes
    .filter((change) => change.file === file)
    .reduce((now, { before, after }) => {
      if (!now.includes(before)) throw new Error(`${file} has no longer: ${before}`)
      return now.replace(before, after)
    }, text)
}

/**
 * What the compiler reports of a project, with changes that are made in memory only: `file: message` for each error.
 *
 * @param root the root of the repository
 * @param folder of the project, from the root
 * @param entries from the project's folder: they and what they import are compiled
 */
export function compileErrors(
  root: string,
  { folder, entries }: { readonly folder: string; readonly entries: readonly string[] },
  changes: readonly Pretended[],
): string[] {
  const read = (path: string) => ts.sys.readFile(path)
  const { config } = ts.readConfigFile(join(root, folder, 'tsconfig.json'), read) as { readonly config: unknown }
  const parsed = ts.parseJsonConfigFileContent(config, ts.sys, join(root, folder))
  const options = { ...parsed.options, noEmit: true }
  const changed = new Map(
    changes.map(({ file }) => [join(root, file), pretend(file, readFileSync(join(root, file), 'utf8'), changes)]),
  )
  const host = ts.createCompilerHost(options)
  host.readFile = (path) => changed.get(path) ?? read(path)
  const rootNames = entries.map((entry) => join(root, folder, entry))
  const program = ts.createProgram({ rootNames, options, host })
  return program.getSemanticDiagnostics().map(({ file, messageText }) => {
    const where = file ? relative(root, file.fileName) : folder
    return `${where}: ${ts.flattenDiagnosticMessageText(messageText, ' ')}`
  })
}
