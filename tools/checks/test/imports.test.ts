import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { ESLint } from 'eslint'
import { beforeAll, describe, expect, it } from 'vitest'

const root = join(import.meta.dirname, '..', '..', '..')

/** The rules that a file with this text would break, were it there. */
async function brokenBy(file: string, text: string): Promise<string[]> {
  const results = await new ESLint({ cwd: root }).lintText(text, { filePath: join(root, file) })
  return results.flatMap(({ messages }) => messages.map(({ ruleId }) => ruleId ?? 'parse error'))
}

describe('the linter', () => {
  // The rule about modules reads the project graph, which Nx computes.
  beforeAll(() => void execFileSync('nx', ['show', 'projects'], { cwd: root, stdio: 'ignore' }))

  it('refuses an adapter outside the composition root', async () => {
    const rules = await brokenBy(
      'apps/auth/src/token/planted.ts',
      "import { openSqliteEventStore } from '@ledgate/eventstore-sqlite'\nvoid openSqliteEventStore\n",
    )
    expect(rules).toContain('no-restricted-imports')
  })

  it.each(['@ledgate/eventstore-eventstoredb', '@ledgate/revocation/kafka', './kafka-publishing.ts', './clustered.ts'])(
    'refuses %s in what every start loads',
    async (client) => {
      const text = (statement: string) => `${statement}\nvoid x\n`
      const file = 'apps/auth/src/compose/planted.ts'
      expect(await brokenBy(file, text(`import * as x from '${client}'`))).toContain('no-restricted-imports')
      expect(await brokenBy(file, text(`const x = await import('${client}')`))).not.toContain('no-restricted-imports')
    },
  )

  it('refuses the machine in a decider', async () => {
    const rules = await brokenBy(
      'apps/auth/src/planted/planted.decider.ts',
      "import { randomBytes } from 'node:crypto'\nvoid randomBytes\n",
    )
    expect(rules).toContain('no-restricted-imports')
  })

  it('refuses a cache that is not bounded in bytes', async () => {
    const rules = await brokenBy(
      'apps/auth/src/token/planted-cache.ts',
      "import { LRUCache } from 'lru-cache'\nvoid LRUCache\n",
    )
    expect(rules).toContain('no-restricted-imports')
  })

  it('refuses the environment outside config/', async () => {
    const rules = await brokenBy('apps/auth/src/token/planted-env.ts', "void process.env['PATH']\n")
    expect(rules).toContain('no-restricted-syntax')
  })

  it.each([
    'apps/auth/src/token/planted.ts',
    'apps/auth/src/config/config.ts',
    'packages/revocation/src/planted.test.ts',
  ])('refuses a position that no store made in %s', async (file) => {
    const text = "import type { Position } from '@ledgate/eventsourcing'\nexport const place = '1' as Position\n"
    expect(await brokenBy(file, text)).toContain('no-restricted-syntax')
  })

  it('refuses an outgoing request in the server, which could be sent to its own network', async () => {
    const rules = await brokenBy('apps/auth/src/client/planted-fetch.ts', "void fetch('http://169.254.169.254/')\n")
    expect(rules).toContain('no-restricted-globals')
  })

  it('refuses an adapter in the kernel', async () => {
    const rules = await brokenBy(
      'packages/eventsourcing/src/planted.ts',
      "import { openSqliteEventStore } from '@ledgate/eventstore-sqlite'\nvoid openSqliteEventStore\n",
    )
    expect(rules).toContain('@nx/enforce-module-boundaries')
  })

  it('refuses a tool in an app', async () => {
    const rules = await brokenBy(
      'apps/auth/src/token/planted-tool.ts',
      "import { x } from '../../../../tools/bench/src/options.ts'\nvoid x\n",
    )
    expect(rules).toContain('@nx/enforce-module-boundaries')
  })
})
