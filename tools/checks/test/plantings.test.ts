import { execFileSync } from 'node:child_process'
import { join, relative } from 'node:path'
import { ESLint } from 'eslint'
import { beforeAll, describe, expect, it } from 'vitest'
import { houses } from '../src/floors.ts'
import { layeringFaults } from '../src/layering.ts'

const root = join(import.meta.dirname, '..', '..', '..')
const linter = new ESLint({ cwd: root })

const layering = (file: string, text: string) =>
  houses
    .filter((house) => file.startsWith(`${house.root}/`))
    .flatMap((house) => layeringFaults(house, relative(house.root, file), text))

/** What the floors and the linter would say of a file with this text, were it there: `file:line: why`. */
async function faultsOf(file: string, text: string): Promise<string[]> {
  const results = await linter.lintText(`${text}\n`, { filePath: join(root, file) })
  const linted = results.flatMap(({ messages }) =>
    messages.map(({ line, ruleId, message }) => `${file}:${line}: ${ruleId}: ${message}`),
  )
  return [...layering(file, text), ...linted]
}

// The rule about modules reads the project graph, which Nx computes.
beforeAll(() => void execFileSync('nx', ['show', 'projects'], { cwd: root, stdio: 'ignore' }))

const slice = 'apps/auth/src/token/planted.ts'
const decider = 'apps/auth/src/grant/planted.decider.ts'
const composition = 'apps/auth/src/compose/planted.ts'
const core = 'packages/verifier/src/token/planted.ts'
const vocabulary = 'packages/oauth/src/scope.ts'

describe('a planted fault is found', () => {
  it.each([
    [
      'an import upwards',
      'apps/auth/src/log/planted.ts',
      `import { x } from '../grant/index.ts'; x()`,
      'grant stands above log',
    ],
    [
      'an import of a type upwards',
      slice,
      `import type { X } from '../views/index.ts'; export type Y = X`,
      'views stands above token',
    ],
    ['an inline type upwards', slice, `export type Y = import('../views/index.ts').X`, 'views stands above token'],
    [
      'a re-export upwards',
      'apps/auth/src/client/index.ts',
      `export { x } from '../account/x.ts'\nexport { x as y } from '../resource/index.ts'`,
      'resource stands above client',
    ],
    [
      'a dynamic import upwards',
      slice,
      `export const x = () => import('../views/index.ts')`,
      'views stands above token',
    ],
    [
      'a worker thread upwards',
      slice,
      'new Worker(new URL(`../views/projector.${x}`, import.meta.url))',
      'views stands above token',
    ],
    ['an import past an index', slice, `import { x } from '../grant/grants.ts'; x()`, 'import grant/index.ts'],
    [
      'an import of a type past an index',
      slice,
      `import type { X } from '../grant/grants.ts'; export type Y = X`,
      'import grant/index.ts',
    ],
    [
      'an import upwards that leaves its folder twice',
      'apps/auth/src/token/grant-types/planted.ts',
      `import { x } from '../../../src/views/index.ts'; x()`,
      'outside apps/auth/src',
    ],
    [
      'an import upwards from a nested folder',
      'apps/auth/src/token/grant-types/planted.ts',
      `import { x } from '../../views/index.ts'; x()`,
      'views stands above token',
    ],
    ['a computed import', slice, `export const x = (name: string) => import(name)`, 'cannot be checked'],
    [
      'a folder without a floor',
      'apps/auth/src/planted/x.ts',
      `import { x } from '../log/index.ts'; x()`,
      'no floor for planted/x.ts',
    ],
    [
      'an import upwards in a package',
      'packages/revocation/src/statement/planted.ts',
      `import { x } from '../follower/index.ts'; x()`,
      'follower stands above statement',
    ],
    [
      'a test that looks up unnamed',
      'apps/auth/src/log/planted.test.ts',
      `import { x } from '../grant/index.ts'; x()`,
      'grant stands above log',
    ],

    ['cryptography in a decider', decider, `import { hash } from 'node:crypto'; void hash`, 'are pure'],
    ['a framework in a decider', decider, `import { fastify } from 'fastify'; void fastify`, 'are pure'],
    ['another slice in a decider', decider, `import { user } from '../session/index.ts'; user()`, 'a decider is pure'],
    [
      'another slice’s type in a decider',
      decider,
      `import type { X } from '../session/index.ts'; export type Y = X`,
      'a decider is pure',
    ],
    ['an impure file of its folder in a decider', decider, `import { x } from './grants.ts'; x()`, 'a decider is pure'],
    ['a module that is not pure in a decider', decider, `import { x } from '@ledgate/vault'; x()`, 'a decider is pure'],
    ['the clock in a decider', decider, `void Date.now()`, 'Deciders are pure'],
    ['the time of now in a decider', decider, `void new Date()`, 'Deciders are pure'],
    ['chance in a decider', decider, `void Math.random()`, 'Deciders are pure'],
    ['a stopwatch in a decider', decider, `void performance.now()`, 'Deciders are pure'],
    ['the process in a decider', decider, `void process.pid`, 'Deciders are pure'],
    ['random bytes in a decider', decider, `void crypto.randomUUID()`, 'Deciders are pure'],
    ['the environment in a decider', decider, `void process.env.PATH`, 'Only config/ reads the environment'],

    ['the environment in a slice', slice, `void process.env.PATH`, 'Only config/ reads the environment'],
    ['the environment by a computed name', slice, `void process['env']`, 'Only config/ reads the environment'],
    ['the environment taken apart', slice, `const { env } = process; void env`, 'Only config/ reads the environment'],
    [
      'the environment by import',
      slice,
      `import { env } from 'node:process'; void env`,
      'Only config/ reads the environment',
    ],
    ['the environment in a package', core, `void process.env.PATH`, 'Only config/ reads the environment'],
    [
      'an adapter in a slice',
      slice,
      `import { x } from '@ledgate/eventstore-sqlite'; x()`,
      '@ledgate/eventstore-sqlite is for compose',
    ],
    [
      'an adapter in a slice by import()',
      slice,
      `export const x = () => import('@ledgate/eventstore-sqlite')`,
      '@ledgate/eventstore-sqlite is for compose',
    ],
    [
      'an adapter in the kernel',
      'packages/eventsourcing/src/planted.ts',
      `import { x } from '@ledgate/eventstore-sqlite'; x()`,
      '@nx/enforce-module-boundaries',
    ],
    [
      'a cache that is not bounded in bytes',
      slice,
      `import { LRUCache } from 'lru-cache'; void LRUCache`,
      'lru-cache is for limit',
    ],
    [
      'a tool in an app',
      slice,
      `import { x } from '../../../../tools/bench/src/options.ts'; x()`,
      '@nx/enforce-module-boundaries',
    ],
    ['an outgoing request in the server', slice, `void fetch('http://169.254.169.254/')`, 'SSRF'],
    [
      'an option in what every start loads',
      composition,
      `import { x } from '@ledgate/revocation/kafka'; x()`,
      'Load it by import()',
    ],
    [
      'a cluster in what every start loads',
      composition,
      `import { x } from './clustered.ts'; x()`,
      'Load it by import()',
    ],

    [
      'kafkajs in the core of the SDK',
      core,
      `import { Kafka } from 'kafkajs'; void Kafka`,
      'kafkajs is not among the modules',
    ],
    [
      'a framework in the core of the SDK',
      core,
      `import type { Request } from 'express'; export type X = Request`,
      'express is for',
    ],
    [
      'a socket in the core of the SDK',
      core,
      `import { connect } from 'node:net'; void connect`,
      'node:net is for node',
    ],
    [
      'cryptography in the core of the SDK',
      core,
      `import { hash } from 'node:crypto'; void hash`,
      'node:crypto is not among the modules',
    ],
    [
      'a framework in the entry for another one',
      'packages/verifier/src/fastify/planted.ts',
      `import type { Request } from 'express'; export type X = Request`,
      'express is for',
    ],
    [
      'a module of Node in the follower of a feed',
      'packages/revocation/src/follower/planted.ts',
      `import { setImmediate } from 'node:timers/promises'; void setImmediate`,
      'node:timers/promises is for kafka',
    ],
    [
      'node: in the vocabulary',
      vocabulary,
      `import { hash } from 'node:crypto'; void hash`,
      'node:crypto is not among the modules',
    ],
    ['fetch in the vocabulary', vocabulary, `void fetch('http://127.0.0.1/')`, 'The vocabulary does no I/O'],

    ['a position that no store made', slice, `export const x = '1' as Position`, 'Only a store makes a position'],
    ['a mocked module', 'apps/auth/src/token/planted.test.ts', `vi.mock('./x.ts')`, 'hand the part in'],
  ])('%s', async (_, file, text, why) => {
    const faults = await faultsOf(file, text)
    expect(faults).toContainEqual(
      expect.stringMatching(new RegExp(`^${file}:\\d+: .*${why.replaceAll(/[.()]/g, '\\$&')}`)),
    )
  })
})

describe('what is allowed is not reported', () => {
  it.each([
    ['an import downwards', slice, `import { x } from '../grant/index.ts'; x()`],
    ['the events of another folder', slice, `import { x } from '../grant/events.ts'; x()`],
    [
      'a file of a folder around it',
      'apps/auth/src/revocation-feed/http/planted.ts',
      `import { x } from '../feed.ts'; x()`,
    ],
    [
      'a test that looks into a folder below',
      'apps/auth/src/token/planted.test.ts',
      `import { x } from '../grant/grants.ts'; x()`,
    ],
    ['the aids in a test', 'apps/auth/src/log/planted.test.ts', `import { x } from '../testing/parts.ts'; x()`],
    [
      'an option that is loaded where it is asked for',
      composition,
      `export const x = () => import('@ledgate/revocation/kafka')`,
    ],
    ['the values of the log in a decider', decider, `import { Epoch } from '../log/index.ts'; void Epoch`],
    ['a date that is given to a decider', decider, `export const day = (ms: number) => new Date(ms).getUTCDay()`],
    ['the environment where it is checked', 'apps/auth/src/config/config.ts', `void process.env.PATH`],
  ])('%s', async (_, file, text) => expect(await faultsOf(file, text)).toEqual([]))
})
