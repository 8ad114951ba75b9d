import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import ts from 'typescript'

/** All source files below a folder, without their tests. */
export function sourceFiles(folder: string): ts.SourceFile[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts') && !entry.name.endsWith('.test.ts'))
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((file) => !/\/(node_modules|testing|test)\//.test(file))
    .map((file) => ts.createSourceFile(file, readFileSync(file, 'utf8'), ts.ScriptTarget.Latest, true))
}

/** Calls `look` for a node and everything below it. */
function walk(node: ts.Node, look: (node: ts.Node) => void): void {
  look(node)
  ts.forEachChild(node, (child) => walk(child, look))
}

/** The texts that an expression can have: `…` stands for what is inserted. A name is looked up in its file. */
function textsOf(expression: ts.Expression | undefined): string[] {
  if (expression === undefined) return []
  if (ts.isStringLiteralLike(expression)) return [expression.text]
  if (ts.isTemplateExpression(expression))
    return [expression.head.text + expression.templateSpans.map(({ literal }) => `…${literal.text}`).join('')]
  if (ts.isConditionalExpression(expression)) return [...textsOf(expression.whenTrue), ...textsOf(expression.whenFalse)]
  if (ts.isBinaryExpression(expression)) return [...textsOf(expression.left), ...textsOf(expression.right)]
  return ts.isIdentifier(expression) ? constantOf(expression) : []
}

function constantOf(name: ts.Identifier): string[] {
  const found: string[] = []
  walk(name.getSourceFile(), (node) => {
    const isConstant = ts.isVariableDeclaration(node) && node.name.getText() === name.text
    if (isConstant && node.initializer !== undefined && ts.isStringLiteralLike(node.initializer))
      found.push(node.initializer.text)
  })
  return found
}

interface ErrorClass {
  readonly name: string
  readonly parent: string
  readonly parameters: readonly ts.ParameterDeclaration[]
  /** What it gives to its parent; `undefined` without a constructor. */
  readonly passed: readonly ts.Expression[] | undefined
}

function classOf(node: ts.ClassDeclaration): ErrorClass | undefined {
  const parent = node.heritageClauses?.[0]?.types[0]?.expression.getText()
  if (node.name === undefined || parent === undefined) return undefined
  const made = node.members.find(ts.isConstructorDeclaration)
  let passed: readonly ts.Expression[] | undefined
  if (made !== undefined)
    walk(made, (each) => {
      if (ts.isCallExpression(each) && each.expression.kind === ts.SyntaxKind.SuperKeyword) passed = each.arguments
    })
  return { name: node.name.text, parent, parameters: made?.parameters ?? [], passed }
}

/** Which argument of the constructor of each error class is sent to clients as `error_description`. */
type Descriptions = Map<string, number>

/** The classes of errors that are answered, and the argument of each that is the description. */
function descriptionsOf(classes: readonly ErrorClass[]): Descriptions {
  const known: Descriptions = new Map([
    ['OAuthError', 2],
    ['Refusal', 1],
  ])
  for (let before = -1; before !== known.size;) {
    before = known.size
    for (const { name, parent, parameters, passed } of classes) {
      const at = known.get(parent)
      if (at === undefined || known.has(name)) continue
      const given = passed?.[at]
      known.set(
        name,
        given === undefined ? at : parameters.findIndex((each) => each.name.getText() === given.getText()),
      )
    }
  }
  return known
}

/** What a class says of itself: its own sentence, or the default of its argument. */
const textsOfClass = ({ parent, parameters, passed }: ErrorClass, known: Descriptions): string[] => {
  const given = passed?.[known.get(parent) ?? Infinity]
  const argument = parameters.find((each) => each.name.getText() === given?.getText())
  return argument === undefined ? textsOf(given) : textsOf(argument.initializer)
}

/** A property with a sentence: an issue of a schema (`error`, `message`), an outcome (`description`), an answer. */
const SENTENCES = ['error', 'message', 'error_description']

/** Every sentence that a client or an administrator can be answered with. */
export function errorDescriptions(files: readonly ts.SourceFile[]): string[] {
  const classes: ErrorClass[] = []
  const found: string[] = []
  for (const file of files)
    walk(file, (node) => {
      const made = ts.isClassDeclaration(node) ? classOf(node) : undefined
      if (made !== undefined) classes.push(made)
    })
  const known = descriptionsOf(classes)
  for (const each of classes) if (known.has(each.parent)) found.push(...textsOfClass(each, known))
  for (const file of files)
    walk(file, (node) => {
      if (ts.isNewExpression(node)) {
        const at = known.get(node.expression.getText())
        if (at !== undefined) found.push(...textsOf(node.arguments?.[at]))
      }
      if (ts.isPropertyAssignment(node) && isSentence(node)) found.push(...textsOf(node.initializer))
    })
  return sorted(found.filter((text) => text.includes(' ')))
}

function isSentence({ name, parent }: ts.PropertyAssignment): boolean {
  const isOutcome = parent.properties.some((each) => each.name?.getText() === 'status')
  return SENTENCES.includes(name.getText()) || (isOutcome && name.getText() === 'description')
}

/** Every message that the server can log. */
export function logMessages(files: readonly ts.SourceFile[]): string[] {
  const found: string[] = []
  for (const file of files)
    walk(file, (node) => {
      if (!ts.isCallExpression(node)) return
      if (!/(^|\.)(log|logger)\??\.(trace|debug|info|warn|error|fatal)$/.test(node.expression.getText())) return
      found.push(...node.arguments.slice(0, 2).flatMap(textsOf))
    })
  return sorted(found)
}

const sorted = (texts: readonly string[]): string[] => [...new Set(texts)].sort((a, b) => (a < b ? -1 : Number(a > b)))
