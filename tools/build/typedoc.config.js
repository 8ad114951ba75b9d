/**
 * The API pages of the SDK, in `docs/api`, generated from its docstrings: `npm run api` writes them, and a test in
 * `tools/checks` compares them with the docstrings of today.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

const ROOT = join(import.meta.dirname, '..', '..')
const SDK = join(ROOT, 'packages', 'verifier')
const { exports } = JSON.parse(readFileSync(join(SDK, 'package.json'), 'utf8'))

/** @type {Partial<import('typedoc').TypeDocOptions & import('typedoc-plugin-markdown').PluginOptions>} */
const options = {
  plugin: ['typedoc-plugin-markdown'],
  name: '@ledgate/verifier',
  entryPoints: Object.values(exports).map((target) => join(SDK, target['@ledgate/source'])),
  tsconfig: join(SDK, 'tsconfig.json'),
  basePath: join(SDK, 'src'),
  out: join(ROOT, 'docs', 'api'),
  router: 'module',
  readme: 'none',
  disableSources: true,
  excludeInternal: true,
  excludePrivate: true,
  excludeExternals: true,
  skipErrorChecking: true,
  formatWithPrettier: true,
  prettierConfigFile: join(ROOT, 'package.json'),
  hidePageHeader: true,
  hideBreadcrumbs: true,
  parametersFormat: 'table',
  interfacePropertiesFormat: 'table',
  propertyMembersFormat: 'table',
  typeDeclarationFormat: 'table',
  validation: { notExported: false },
}

export default options
