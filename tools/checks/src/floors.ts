/** Folders whose order says who may import whom. */
export interface House {
  /** From the root of the repository. */
  readonly root: string
  /** Folders and files of the root, from the ground up: each may import only what stands before it. */
  readonly floors: readonly string[]
  /** Folders of aids for tests. They may look into other folders, and every test may import them. */
  readonly aids: readonly string[]
  /** Tests that need a floor above their own, and which: a layer that is tried with the real thing. */
  readonly lookingUp: Readonly<Record<string, readonly string[]>>
  /**
   * Modules from outside and the floors that may import them, `'all'` for every floor. `'*'` is every module that is not
   * in the table. Tests and aids may import any.
   */
  readonly modules: Readonly<Record<string, readonly string[] | 'all'>>
  /** Folders and modules that a pure file (`*.decider.ts`) may import; of its own folder it may import events, errors and deciders. */
  readonly pure?: readonly string[]
}

const auth: House = {
  root: 'apps/auth/src',
  floors: [
    // Mechanisms: they know no noun of the field.
    'refusal',
    'limit',
    'config',
    'html',
    'health',
    'metrics',
    'log',
    'projection',
    'http',
    'process-manager',
    'credential',
    'password',
    // What a slice is about.
    'discovery',
    'name',
    'issuer-epoch',
    'signing-key',
    'token-cap',
    'session',
    'grant',
    'email-address',
    'user',
    'mail',
    'sign-in',
    'account',
    'client',
    'resource',
    'client-authentication',
    'token',
    'introspection',
    'token-revocation',
    'audit',
    // Administration, over HTTP and by command line.
    'admin/vocabulary',
    'admin/administrators',
    'admin/users',
    'admin/commands',
    'admin/api',
    'admin/bootstrap',
    'admin/socket',
    'admin/cli',
    // What knows every event.
    'catalogue',
    'revocation-feed',
    'revocation-feed/http',
    'revocation-feed/kafka',
    'views',
    'self-service',
    'testing',
    // The composition root, and what starts it.
    'compose',
    'server.ts',
    'compose.ts',
    'serve.ts',
    'main.ts',
    'ledgate.ts',
    'index.ts',
  ],
  aids: ['testing'],
  pure: ['@ledgate/eventsourcing', '@ledgate/oauth', 'credential', 'log', 'refusal', 'zod'],
  lookingUp: {
    'client/registrable-metadata.test.ts': ['client-authentication', 'resource'],
    'compose/backup.test.ts': ['compose.ts'],
    'log/event-log.test.ts': ['catalogue', 'mail'],
    'log/handle.test.ts': ['catalogue', 'session'],
    'log/room.test.ts': ['catalogue', 'client'],
    'log/stream.test.ts': ['admin/administrators', 'catalogue', 'grant', 'session'],
    'process-manager/follow-events.test.ts': ['mail'],
    'revocation-feed/kafka/live-set.test.ts': ['compose'],
    'signing-key/keyring.test.ts': ['catalogue'],
    'signing-key/signing-key.test.ts': ['catalogue'],
    'views/views.test.ts': ['compose'],
  },
  modules: {
    '*': 'all',
    // Adapters: only the composition root names them.
    '@ledgate/eventstore-eventstoredb': ['compose'],
    '@ledgate/eventstore-sqlite': ['compose'],
    '@ledgate/projection-sqlite': ['compose'],
    '@ledgate/revocation/kafka': ['compose'],
    '@ledgate/vault/sqlite': ['compose'],
    'better-sqlite3': ['compose'],
    kafkajs: ['compose'],
    // It counts entries and not bytes: what requests say is kept in a `boundedCache`.
    'lru-cache': ['limit'],
  },
}

/**
 * The core does without `node:` modules and frameworks: its cryptography is that of `@ledgate/jws`, which needs that of Node, for it
 * verifies at once. The one exception is `watch/abort-listeners.ts`.
 */
const verifier: House = {
  root: 'packages/verifier/src',
  floors: [
    'time',
    'url',
    'telemetry',
    'principal',
    'proof-of-possession',
    'error',
    'fetch',
    'guard',
    'introspection',
    'key',
    'watch',
    'options',
    'feed',
    'token',
    'issuer',
    'verifier',
    'index.ts',
    // Entries that an application imports where it needs them.
    'dpop',
    'http',
    'kafka',
    'testing',
    'request',
    'node-http',
    'express',
    'fastify',
    'hono',
    'koa',
    'nest',
    'node',
  ],
  aids: ['testing'],
  lookingUp: { 'guard/guard.test.ts': ['token'], 'watch/token-watchers.test.ts': ['token'] },
  modules: {
    '@ledgate/jws': 'all',
    '@ledgate/oauth': 'all',
    '@ledgate/revocation': 'all',
    '@ledgate/revocation/http': ['http'],
    '@ledgate/revocation/kafka': ['kafka'],
    '@nestjs/common': ['nest'],
    express: ['express', 'nest', 'node-http'],
    fastify: ['fastify', 'nest', 'node-http'],
    hono: ['hono'],
    jose: 'all',
    koa: ['koa'],
    'node:events': ['watch'],
    'node:http': ['nest', 'node', 'node-http'],
    'node:http2': ['node'],
    'node:net': ['node'],
    'node:stream': ['node'],
    zod: 'all',
  },
}

const revocation: House = {
  root: 'packages/revocation/src',
  floors: [
    'time',
    'error',
    'statement',
    'feed',
    'revocation-index',
    'follower',
    'index.ts',
    'http',
    'kafka',
    'testing',
  ],
  aids: ['testing'],
  lookingUp: {},
  modules: {
    '@ledgate/jws': 'all',
    jose: 'all',
    kafkajs: ['kafka'],
    'kafkajs/src/network/requestQueue/index.js': ['kafka'],
    'kafkajs/src/protocol/decoder.js': ['kafka'],
    'kafkajs/src/protocol/recordBatch/crc32C/index.js': ['kafka'],
    'kafkajs/src/protocol/requests/fetch/v11/response.js': ['kafka'],
    'node:net': ['kafka'],
    'node:timers/promises': ['kafka'],
    'node:tls': ['kafka'],
    'node:util': ['kafka'],
    'node:zlib': ['kafka'],
    zod: 'all',
  },
}

/** The vocabulary of the protocol. It does no I/O: no module but zod. */
const oauth: House = {
  root: 'packages/oauth/src',
  floors: [
    'limits.ts',
    'errors.ts',
    'client-id.ts',
    'basic.ts',
    'resource.ts',
    'scope.ts',
    'jwks.ts',
    'metadata.ts',
    'index.ts',
  ],
  aids: [],
  lookingUp: {},
  modules: { zod: 'all' },
}

export const houses: readonly House[] = [auth, verifier, revocation, oauth]
