import { join } from 'node:path'
import { ESLint } from 'eslint'
import { describe, expect, it } from 'vitest'

const root = join(import.meta.dirname, '..', '..', '..')
const eslint = new ESLint({ cwd: root })

/** The rules that a file with this text would break, if it existed. */
async function brokenBy(file: string, text: string): Promise<string[]> {
  const results = await eslint.lintText(text, { filePath: join(root, file) })
  return results.flatMap(({ messages }) => messages.map(({ ruleId }) => ruleId ?? 'parse error'))
}

const importing = (module: string) => `import * as planted from '${module}'\nvoid planted\n`

const VERIFIER = 'packages/verifier/src'
const REVOCATION = 'packages/revocation/src'

describe('the linter, in the SDK', () => {
  it.each([
    [`${VERIFIER}/planted.ts`, 'node:crypto'],
    [`${VERIFIER}/token/planted.ts`, 'node:buffer'],
    [`${VERIFIER}/watch/planted.ts`, 'node:events'],
    [`${VERIFIER}/request/planted.ts`, 'node:http'],
    [`${VERIFIER}/dpop/planted.ts`, 'node:crypto'],
    [`${VERIFIER}/http/planted.ts`, 'node:https'],
    [`${VERIFIER}/verifier/planted.ts`, 'fastify'],
    [`${VERIFIER}/verifier/planted.ts`, '@ledgate/revocation/kafka'],
    [`${VERIFIER}/fastify/planted.ts`, 'express'],
    [`${VERIFIER}/fastify/planted.ts`, 'node:http'],
    [`${VERIFIER}/express/planted.ts`, '../fastify/index.ts'],
    [`${VERIFIER}/hono/planted.ts`, 'koa'],
    [`${VERIFIER}/koa/planted.ts`, 'node:http'],
    [`${VERIFIER}/nest/planted.ts`, 'koa'],
    [`${VERIFIER}/node/planted.ts`, 'fastify'],
    [`${VERIFIER}/node-http/planted.ts`, 'koa'],
    [`${VERIFIER}/kafka/planted.ts`, 'kafkajs'],
    [`${VERIFIER}/testing/planted.ts`, 'node:crypto'],
    [`${REVOCATION}/statement/planted.ts`, 'node:crypto'],
    [`${REVOCATION}/follower/planted.ts`, 'node:timers/promises'],
    [`${REVOCATION}/http/planted.ts`, 'node:http'],
    [`${REVOCATION}/http/planted.ts`, 'kafkajs'],
    [`${REVOCATION}/kafka/planted.ts`, 'fastify'],
    ['packages/oauth/src/planted.ts', 'node:crypto'],
    ['packages/oauth/src/planted.ts', 'jose'],
  ])('refuses in %s an import of %s', async (file, module) => {
    expect(await brokenBy(file, importing(module))).toContain('no-restricted-imports')
  })

  it('refuses types of a framework in the core, too', async () => {
    const text = "import type { FastifyRequest } from 'fastify'\nexport type Planted = FastifyRequest\n"
    expect(await brokenBy(`${VERIFIER}/request/planted.ts`, text)).toContain('no-restricted-imports')
  })

  it.each([`${VERIFIER}/verifier/planted.ts`, `${REVOCATION}/kafka/planted.ts`, 'packages/oauth/src/planted.ts'])(
    'refuses an import at run time in %s',
    async (file) => {
      expect(await brokenBy(file, "void import('node:crypto')\n")).toContain('no-restricted-syntax')
    },
  )

  it.each(['fetch', 'process', 'setTimeout'])(
    'refuses the global %s in the vocabulary of the protocol',
    async (name) => {
      expect(await brokenBy('packages/oauth/src/planted.ts', `void ${name}\n`)).toContain('no-restricted-globals')
    },
  )

  it.each([
    [`${VERIFIER}/fastify/planted.ts`, 'fastify'],
    [`${VERIFIER}/nest/planted.ts`, '@nestjs/common'],
    [`${VERIFIER}/node/planted.ts`, 'node:http'],
    [`${VERIFIER}/kafka/planted.ts`, '@ledgate/revocation/kafka'],
    [`${REVOCATION}/kafka/planted.ts`, 'kafkajs'],
    [`${REVOCATION}/kafka/planted.ts`, 'node:net'],
  ])('allows in %s an import of %s', async (file, module) => {
    expect(await brokenBy(file, importing(module))).not.toContain('no-restricted-imports')
  })
})
