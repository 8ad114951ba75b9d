import nx from '@nx/eslint-plugin'
import tseslint from 'typescript-eslint'

/** Adapters may be named in one place only: the composition root. */
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

const forbid = (group, message, ...more) => ['error', { patterns: [{ group, message }, ...more] }]

/** A cache of what requests say is bounded in bytes; `limit/` has the one that is. */
const unboundedCaches = { group: ['lru-cache'], message: 'Only limit/ counts entries: use boundedCache.' }

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
    files: ['apps/auth/src/**/*.ts'],
    ignores: ['apps/auth/src/compose.ts', 'apps/auth/src/compose/**', '**/*.test.ts'],
    rules: {
      'no-restricted-imports': forbid(adapters, 'Only compose.ts names an adapter.', unboundedCaches),
      'no-restricted-syntax': [
        'error',
        castPositions,
        {
          selector: "MemberExpression[object.name='process'][property.name='env']",
          message: 'Only config/ reads the environment.',
        },
      ],
    },
  },
  {
    files: ['apps/auth/src/compose.ts', 'apps/auth/src/compose/**/*.ts'],
    ignores: ['**/clustered.ts', '**/kafka-publishing.ts', '**/*.test.ts'],
    rules: { 'no-restricted-imports': forbid(optionalClients, 'Load it by import() where the settings ask for it.') },
  },
  {
    files: ['apps/auth/src/limit/**/*.ts'],
    rules: { 'no-restricted-imports': forbid(adapters, 'Only compose.ts names an adapter.') },
  },
  { files: ['apps/auth/src/config/config.ts'], rules: { 'no-restricted-syntax': ['error', castPositions] } },
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
