import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import ts from 'typescript'

const root = join(import.meta.dirname, '..', '..', '..')

/** A function, class or constant that an entry of a package exports, and the examples in its docstring. */
export interface ExportedValue {
  /** Such as `@ledgate/verifier/node cutOff`. */
  readonly name: string
  readonly examples: readonly string[]
}

/** The options of the repository's compiler, with types from the sources of packages. */
function compilerOptions(): ts.CompilerOptions {
  const { config } = ts.readConfigFile(join(root, 'tsconfig.base.json'), (path) => ts.sys.readFile(path))
  return { ...ts.parseJsonConfigFileContent(config, ts.sys, root).options, noEmit: true, noUnusedLocals: false }
}

/** The public specifier of each entry of a package, and its source. */
function entriesOf(folder: string): readonly (readonly [specifier: string, source: string])[] {
  const { name, exports } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as {
    readonly name: string
    readonly exports: Readonly<Record<string, { readonly '@ledgate/source': string }>>
  }
  return Object.entries(exports).map(([path, entry]) => [name + path.slice(1), join(folder, entry['@ledgate/source'])])
}

const FENCE = /^```ts\n(.*?)^```$/gms

const examplesIn = (tags: readonly ts.JSDocTagInfo[]): readonly string[] =>
  tags
    .filter(({ name }) => name === 'example')
    .flatMap(({ text }) => [...ts.displayPartsToString(text).matchAll(FENCE)].map(([, code = '']) => code))

/** What the entries of a package export, types left out: they appear in the examples of the values. */
export function exportedValues(folder: string): readonly ExportedValue[] {
  const entries = entriesOf(join(root, folder))
  const program = ts.createProgram(
    entries.map(([, source]) => source),
    compilerOptions(),
  )
  const checker = program.getTypeChecker()
  return entries.flatMap(([specifier, source]) => {
    const file = program.getSourceFile(source)
    const module = file && checker.getSymbolAtLocation(file)
    if (module === undefined) throw new Error(`${source} is not a module`)
    return checker.getExportsOfModule(module).flatMap((exported) => {
      const symbol = exported.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(exported) : exported
      if ((symbol.flags & ts.SymbolFlags.Value) === 0) return []
      return [{ name: `${specifier} ${exported.name}`, examples: examplesIn(symbol.getJsDocTags(checker)) }]
    })
  })
}

/** What the compiler reports about programs, each as a file of its own in a package. */
export function typeErrors(folder: string, programs: readonly string[]): readonly string[] {
  const files = new Map(programs.map((text, nth) => [join(root, folder, `example-${nth}.ts`), `${text}\nexport {}\n`]))
  const options = compilerOptions()
  const host = ts.createCompilerHost(options)
  const { getSourceFile, fileExists, readFile } = host
  host.fileExists = (path) => files.has(path) || fileExists(path)
  host.readFile = (path) => files.get(path) ?? readFile(path)
  host.getSourceFile = (path, version, ...rest) => {
    const text = files.get(path)
    return text === undefined ? getSourceFile(path, version, ...rest) : ts.createSourceFile(path, text, version)
  }
  const program = ts.createProgram([...files.keys()], options, host)
  return [...files].flatMap(([path, text]) => {
    const file = program.getSourceFile(path)
    return [...program.getSyntacticDiagnostics(file), ...program.getSemanticDiagnostics(file)].map(
      ({ messageText }) => `${ts.flattenDiagnosticMessageText(messageText, ' ')} in\n${text}`,
    )
  })
}
