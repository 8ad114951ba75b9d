/** A process that typechecks one project per message: the compiler is loaded and warmed up once only. */
import { join } from 'node:path'
import ts from 'typescript'

export interface Asked {
  readonly check: string
}

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

function answer({ check }: Asked): string {
  try {
    return typeErrors(check)
  } catch (error) {
    return String(error)
  }
}

process.on('message', (asked: Asked) => process.send?.({ said: answer(asked) } satisfies Said))
