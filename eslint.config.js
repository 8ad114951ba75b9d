import nx from '@nx/eslint-plugin'
import tseslint from 'typescript-eslint'

/** Adapters. Which folder may import them, and what else it may import: `tools/checks/src/floors.ts`. */
const adapters = [
  '@ledgate/eventstore-*',
  '@ledgate/projection-sqlite',
  '@ledgate/vault/sqlite',
  '@ledgate/revocation/kafka',
  'better-sqlite3',
  'kafkajs',
]

/** Clients that most installations have no use for: they are half of what a start would load. */
const optionalClients = [
  '@ledgate/eventstore-eventstoredb',
  '@ledgate/revocation/kafka',
  '**/clustered.ts',
  '**/kafka-publishing.ts',
]

/** What a pure file (events and deciders) must not know: the machine, the network, any driver. */
const impure = ['node:*', 'fastify', '@fastify/*', 'jose', 'pino', 'axios', '@eventstore/*', ...adapters]

/** A text becomes a position where the store parses it, and nowhere else. */
const castPositions = {
  selector:
    "TSAsExpression > TSTypeReference[typeName.name='Position'], CallExpression[callee.property.name='custom'] TSTypeReference[typeName.name='Position']",
  message: 'Only a store makes a position: use its parsePosition.',
}

/** Settings are read once, where they are checked. */
const environment = {
  selector: [
    "MemberExpression[object.name='process'][property.name='env']",
    "MemberExpression[object.name='process'][property.value='env']",
    "VariableDeclarator[init.name='process'] Property[key.name='env']",
    "ImportDeclaration[source.value=/^(node:)?process$/] ImportSpecifier[imported.name='env']",
  ].join(', '),
  message: 'Only config/ reads the environment.',
}

/** Times, ids and random values are arguments of a decider. */
const clockAndChance = {
  selector: [
    "NewExpression[callee.name='Date'][arguments.length=0]",
    "CallExpression[callee.name='Date']",
    "MemberExpression[object.name='Date'][property.name='now']",
    "MemberExpression[object.name='Date'][property.value='now']",
    "MemberExpression[object.name='Math'][property.name='random']",
    "MemberExpression[object.name='Math'][property.value='random']",
  ].join(', '),
  message: 'Deciders are pure: times and random values are arguments.',
}

/** The machine, as a decider could reach it without an import. */
const machine = ['process', 'performance', 'crypto', 'fetch', 'globalThis', 'setTimeout', 'setInterval', 'console']

const forbid = (group, message) => ['error', { patterns: [{ group, message }] }]

export default tseslint.config(
  { ignores: ['**/dist/**', '**/node_modules/**', '**/.nx/**'] },
  ...tseslint.configs.recommended,
  { plugins: { '@nx': nx } },
  {
    files: ['**/*.ts'],
    rules: {
      '@nx/enforce-module-boundaries': [
        'error',
        {
          enforceBuildableLibDependency: false,
          allow: ['../../vitest.shared.ts', '/rounds\\.ts$'],
          depConstraints: [
            {
              sourceTag: 'type:app',
              onlyDependOnLibsWithTags: ['type:sdk', 'type:adapter', 'type:protocol', 'type:kernel'],
            },
            { sourceTag: 'type:sdk', onlyDependOnLibsWithTags: ['type:protocol', 'type:kernel'] },
            { sourceTag: 'type:adapter', onlyDependOnLibsWithTags: ['type:kernel'] },
            {
              sourceTag: 'type:protocol',
              onlyDependOnLibsWithTags: [],
              bannedExternalImports: ['fastify', 'better-sqlite3'],
            },
            { sourceTag: 'type:kernel', onlyDependOnLibsWithTags: ['type:kernel'], bannedExternalImports: ['fastify'] },
            { sourceTag: 'type:tool', onlyDependOnLibsWithTags: ['*'] },
          ],
        },
      ],
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      'no-restricted-exports': ['error', { restrictDefaultExports: { direct: true } }],
      eqeqeq: 'error',
      'no-restricted-syntax': ['error', castPositions],
    },
  },
  {
    files: ['packages/eventsourcing/src/position.ts', 'packages/eventsourcing/src/testing/contract/position.ts'],
    rules: { 'no-restricted-syntax': 'off' },
  },
  {
    files: ['apps/*/src/**/*.ts', 'packages/*/src/**/*.ts'],
    ignores: [
      'apps/auth/src/config/config.ts',
      'apps/auth-e2e/**',
      'apps/demo/src/api/serve.ts',
      'packages/*/src/testing/**',
      'packages/eventsourcing/src/position.ts',
      '**/*.test.ts',
    ],
    rules: { 'no-restricted-syntax': ['error', castPositions, environment] },
  },
  {
    files: ['apps/auth/src/compose.ts', 'apps/auth/src/compose/**/*.ts'],
    ignores: ['**/clustered.ts', '**/kafka-publishing.ts', '**/*.test.ts'],
    rules: { 'no-restricted-imports': forbid(optionalClients, 'Load it by import() where the settings ask for it.') },
  },
  {
    files: ['packages/oauth/src/**/*.ts'],
    ignores: ['**/*.test.ts'],
    rules: {
      'no-restricted-globals': [
        'error',
        ...['fetch', 'process', 'WebSocket', 'EventSource'].map((name) => ({
          name,
          message: 'The vocabulary does no I/O.',
        })),
      ],
    },
  },
  {
    files: ['apps/auth/src/**/*.ts'],
    ignores: ['apps/auth/src/admin/cli/**', 'apps/auth/src/testing/**', '**/*.test.ts'],
    rules: {
      // The server fetches nothing: an address that somebody registered must never make it ask its own network.
      'no-restricted-globals': ['error', { name: 'fetch', message: 'The server fetches nothing (SSRF).' }],
    },
  },
  {
    files: ['**/src/**/events.ts', '**/src/**/*.decider.ts'],
    rules: { 'no-restricted-imports': forbid(impure, 'Events and deciders are pure.') },
  },
  {
    files: ['**/src/**/*.decider.ts'],
    rules: {
      'no-restricted-syntax': ['error', castPositions, environment, clockAndChance],
      'no-restricted-globals': [
        'error',
        ...machine.map((name) => ({ name, message: 'Deciders are pure: what they need is an argument.' })),
      ],
    },
  },
  {
    files: ['**/*.test.ts'],
    rules: {
      'no-restricted-properties': [
        'error',
        ...['mock', 'doMock', 'resetModules'].map((property) => ({
          object: 'vi',
          property,
          message: 'Test files share what they import: hand the part in.',
        })),
      ],
    },
  },
  { files: ['**/vitest.config.ts', 'eslint.config.js'], rules: { 'no-restricted-exports': 'off' } },
)
