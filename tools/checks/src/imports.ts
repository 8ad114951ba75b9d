import ts from 'typescript'

/** How a file names another module. `new URL` is how it names the entry of a worker thread. */
export type ImportKind = 'import' | 'import type' | 'export from' | 'import()' | 'new URL'

export interface Import {
  readonly kind: ImportKind
  /** The module's name as written; `null` where it is computed, so that no check can follow it. */
  readonly specifier: string | null
  /** Counted from 1. */
  readonly line: number
}

const textOf = (node: ts.Node | undefined) => (node && ts.isStringLiteralLike(node) ? node.text : null)

function isTypeOnly(clause: ts.ImportClause | undefined): boolean {
  if (!clause) return false
  if (clause.phaseModifier === ts.SyntaxKind.TypeKeyword) return true
  const bindings = clause.namedBindings
  if (clause.name || !bindings || !ts.isNamedImports(bindings)) return false
  return bindings.elements.length > 0 && bindings.elements.every((element) => element.isTypeOnly)
}

const isOwnUrl = (node: ts.Node): node is ts.NewExpression =>
  ts.isNewExpression(node) &&
  node.expression.getText() === 'URL' &&
  node.arguments?.[1]?.getText() === 'import.meta.url'

/** The name of a worker's entry: what stands before `.${extension}` is enough to place it. */
function entryOf(argument: ts.Expression | undefined): string | null {
  return argument && ts.isTemplateExpression(argument) ? `${argument.head.text}ts` : textOf(argument)
}

function importOf(node: ts.Node): Omit<Import, 'line'> | undefined {
  if (ts.isImportDeclaration(node))
    return { kind: isTypeOnly(node.importClause) ? 'import type' : 'import', specifier: textOf(node.moduleSpecifier) }
  if (ts.isExportDeclaration(node) && node.moduleSpecifier)
    return { kind: 'export from', specifier: textOf(node.moduleSpecifier) }
  if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument))
    return { kind: 'import type', specifier: textOf(node.argument.literal) }
  if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword)
    return { kind: 'import()', specifier: textOf(node.arguments[0]) }
  if (isOwnUrl(node)) return { kind: 'new URL', specifier: entryOf(node.arguments?.[0]) }
  return undefined
}

/** Every module that a source text names, in the order of its lines. */
export function importsOf(text: string): Import[] {
  const source = ts.createSourceFile('source.ts', text, ts.ScriptTarget.Latest, true)
  const found: Import[] = []
  const visit = (node: ts.Node): void => {
    const named = importOf(node)
    if (named) found.push({ ...named, line: source.getLineAndCharacterOfPosition(node.getStart()).line + 1 })
    ts.forEachChild(node, visit)
  }
  visit(source)
  return found
}
