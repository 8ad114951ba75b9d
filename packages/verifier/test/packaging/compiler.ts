/**
 * A process that builds the package and checks projects, one after another as it is told by messages: the compiler has to be
 * loaded and to become quick once only.
 */
import { join } from 'node:path'
import ts from 'typescript'
import { build } from '../../build.ts'

export type Asked = { readonly build: string } | { readonly check: string }
export type Said = { readonly said: string }

/** What is no promise of the package: the language itself, and Node. */
const FOREIGN = /\/node_modules\/(?:@types\/node|undici-types)\//

/** What the compiler has to say of a project, declarations of libraries included unless `skipLibCheck` is set there. */
function typeErrors(folder: string): string {
  const { config } = ts.readConfigFile(join(folder, 'tsconfig.json'), (path) => ts.sys.readFile(path))
  const { fileNames, options } = ts.parseJsonConfigFileContent(config, ts.sys, folder)
  const program = ts.createProgram(fileNames, options)
  const files = program
    .getSourceFiles()
    .filter((file) => !program.isSourceFileDefaultLibrary(file) && !FOREIGN.test(file.fileName))
  const problems = [
    ...program.getOptionsDiagnostics(),
    ...program.getGlobalDiagnostics(),
    ...files.flatMap((file) => [...program.getSyntacticDiagnostics(file), ...program.getSemanticDiagnostics(file)]),
  ]
  return ts.formatDiagnostics(problems, {
    getCanonicalFileName: (name) => name,
    getCurrentDirectory: () => folder,
    getNewLine: () => '\n',
  })
}

function answer(asked: Asked): string {
  try {
    if ('check' in asked) return typeErrors(asked.check)
    build(asked.build)
    return ''
  } catch (error) {
    return String(error)
  }
}

process.on('message', (asked: Asked) => process.send?.({ said: answer(asked) } satisfies Said))
