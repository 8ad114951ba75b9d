import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { isMeasure } from '../src/load/job.ts'
import { startChild } from '../src/process/child.ts'
import { type Check, subjects } from '../src/verifying/subjects.ts'
import { ALGS, makeKey, makeTokens } from '../src/verifying/tokens.ts'
import { type Assignment, PARTIES } from '../src/verifying/verifying.ts'

const refused = async (check: Check, token: string): Promise<boolean> => {
  try {
    await check(token)
    return false
  } catch {
    return true
  }
}

const now = (): number => Math.floor(Date.now() / 1000)

describe.each(PARTIES.flatMap((party) => [true, false].map((isSeen) => ({ party, isSeen }))))(
  '$party, tokens seen before: $isSeen',
  ({ party, isSeen }) => {
    it.each(ALGS)('takes good tokens by %s, and does the same checks as the others', async (alg) => {
      const [key, stranger] = await Promise.all([makeKey(alg), makeKey(alg)])
      const check = await subjects[party]({ alg, jwk: key.jwk, isSeen })
      const good = await key.issue()
      for (let time = 0; time < 2; time += 1) expect(await refused(check, good)).toBe(false)
      const bad = {
        expired: await key.issue({ exp: now() - 60 }),
        early: await key.issue({ nbf: now() + 60 }),
        'another issuer': await key.issue({ iss: 'https://id.example.net' }),
        'another audience': await key.issue({ aud: 'https://stock.example/' }),
        'another type': await key.issue({}, { typ: 'JWT' }),
        'without a client': await key.issue({ client_id: undefined }),
        'another key': await stranger.issue(),
        'another signature': good.slice(0, good.lastIndexOf('.')) + (await key.issue()).slice(good.lastIndexOf('.')),
      }
      for (const [what, token] of Object.entries(bad))
        for (let time = 0; time < 2; time += 1) expect([what, await refused(check, token)]).toEqual([what, true])
    })
  },
)

describe('a process that verifies', () => {
  const entry = new URL('../src/verifying/main.ts', import.meta.url)

  it.each([true, false])('measures its party alone, tokens seen before: %s', async (isSeen) => {
    const folder = await mkdtemp(join(tmpdir(), 'verifying-'))
    try {
      const file = join(folder, 'tokens.json')
      await writeFile(file, JSON.stringify(await makeTokens('ES256', 100)))
      const assignment: Assignment = { party: 'Ledgate verify', isSeen, file }
      await using child = await startChild({ name: 'verifying', entry, args: [JSON.stringify(assignment)] })
      const measure = await child.ask({ kind: 'verifying', count: 100 }, isMeasure)
      expect(measure.completed).toBeGreaterThanOrEqual(100)
      expect(measure.perSecond).toBeGreaterThan(0)
      // What was presented once is not presented again.
      const again = child.ask({ kind: 'verifying', count: 100 }, isMeasure)
      if (isSeen) expect((await again).completed).toBeGreaterThanOrEqual(100)
      else await expect(again).rejects.toThrow('no token is left')
    } finally {
      await rm(folder, { recursive: true })
    }
  })
})
