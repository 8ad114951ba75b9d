import nx from '@nx/eslint-plugin'
import tseslint from 'typescript-eslint'

// Which folder may import which, and which modules: tools/checks/src/floors.ts.

/** Clients that most installations have no use for: they are half of what a start would load. */
const optionalClients = [
  '@ledgate/eventstore-eventstoredb',
  '@ledgate/revocation/kafka',
  '**/clustered.ts',
  '**/kafka-publishing.ts',
]

/** What a pure file (events and deciders) gets as an argument instead. */
const impure = [
  'Date',
  'performance',
  'crypto',
  'process',
  'fetch',
  'globalThis',
  'setTimeout',
  'setInterval',
  'setImmediate',
]

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

const forbid = (group, message) => ['error', { patterns: [{ group, message }] }]

/** What the core of the SDK does without: it is for every framework, and its cryptography is that of `@ledgate/jws`. */
const foreign = [
  'node:*',
  'fastify',
  'express',
  'koa',
  'hono',
  '@nestjs/*',
  'rxjs',
  'ws',
  'kafkajs',
  '@ledgate/revocation/kafka',
]

const dynamicImports = {
  selector: 'ImportExpression',
  message: 'The SDK loads nothing at run time: import statically, in the entry that is for it.',
}

/** The rules for a part of the SDK that may import these foreign modules, and no others. */
const sdk = (files, allowed, ignores = []) => ({
  files,
  ignores: ['**/*.test.ts', ...ignores],
  rules: {
    'no-restricted-imports': forbid(
      foreign.filter((module) => !allowed.includes(module)),
      'Only the entry of the SDK that is for this module imports it.',
    ),
    'no-restricted-syntax': ['error', castPositions, dynamicImports],
  },
})

const ofVerifier = (...folders) => folders.map((folder) => `packages/verifier/src/${folder}/**/*.ts`)

/** Of the verifier: the core first, and then each part that is for a framework or for Node. */
const sdkLayers = [
  sdk(['packages/{verifier,revocation}/src/**/*.ts'], []),
  sdk(['packages/verifier/src/watch/abort-listeners.ts'], ['node:*']),
  sdk(ofVerifier('node'), ['node:*']),
  sdk(ofVerifier('node-http'), ['node:*', 'express', 'fastify']),
  sdk(ofVerifier('fastify'), ['fastify']),
  sdk(ofVerifier('express'), ['express']),
  sdk(ofVerifier('hono'), ['hono']),
  sdk(ofVerifier('koa'), ['koa']),
  sdk(ofVerifier('nest'), ['node:*', '@nestjs/*', 'rxjs', 'express', 'fastify']),
  sdk(ofVerifier('kafka'), ['@ledgate/revocation/kafka']),
  sdk(['packages/revocation/src/kafka/**/*.ts'], ['node:*', 'kafkajs']),
  {
    files: ['packages/revocation/src/testing/**/*.ts'],
    // The broker of the tests is a process of its own, and kafkajs is loaded where it is there.
    rules: { 'no-restricted-imports': 'off', 'no-restricted-syntax': ['error', castPositions] },
  },
]

const ioGlobals = [
  'fetch',
  'WebSocket',
  'XMLHttpRequest',
  'EventSource',
  'process',
  'setTimeout',
  'setInterval',
  'setImmediate',
]

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
    files: ['apps/auth/src/**/events.ts', 'apps/auth/src/**/*.decider.ts'],
    rules: {
      'no-restricted-globals': ['error', ...impure.map((name) => ({ name, message: 'Events and deciders are pure.' }))],
      'no-restricted-properties': [
        'error',
        { object: 'Math', property: 'random', message: 'Events and deciders are pure.' },
      ],
    },
  },
  ...sdkLayers,
  {
    files: ['packages/oauth/src/**/*.ts'],
    ignores: ['**/*.test.ts'],
    rules: {
      'no-restricted-imports': forbid([...foreign, 'jose', 'axios'], 'The vocabulary of the protocol does no I/O.'),
      'no-restricted-syntax': ['error', castPositions, dynamicImports],
      'no-restricted-globals': [
        'error',
        ...ioGlobals.map((name) => ({ name, message: 'The vocabulary of the protocol does no I/O.' })),
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
