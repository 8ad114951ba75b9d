import { execFileSync, spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { isMissing } from '../src/machine.ts'
import { newInstallation, startServer } from '../src/server.ts'

const root = join(import.meta.dirname, '../../..')

/** The lines that `npm start` prints for a server at this address, without the words around them. */
function linesOf(url: string): string {
  const print = `const { tour } = await import('./tools/bootstrap/tour.mjs'); console.log(tour('${url}'))`
  const text = execFileSync(process.execPath, ['--input-type=module', '-e', print], { cwd: root, encoding: 'utf8' })
  return text.slice(text.indexOf('  # register'))
}

describe.skipIf(isMissing(['bash', 'curl'], 'the tour that npm start prints'))('the tour that npm start prints', () => {
  it('works when it is pasted at once: registers, confirms, gets, renews, looks, revokes, shows', async () => {
    const demo = JSON.parse(readFileSync(join(root, 'tools/bootstrap/demo.json'), 'utf8')) as object
    const installation = await newInstallation(demo)
    await startServer(installation, { isSource: true })
    const env = { ...process.env, ...installation.environment }
    const take = () =>
      spawnSync('bash', ['-euo', 'pipefail', '-c', linesOf(installation.url)], { cwd: root, env, encoding: 'utf8' })
    const { status, stdout, stderr } = take()
    expect({ status, stderr: stderr.replaceAll(/^npm warn.*\n/gm, '') }).toEqual({ status: 0, stderr: '' })
    const lines = stdout.split('\n')
    expect(lines.slice(0, 2)).toEqual(['{"status":"accepted"}', '{"status":"confirmed"}'])
    const answers = lines.slice(2, 8).map((line) => JSON.parse(line) as Record<string, unknown>)
    const [first, renewed, before, revoked, after, service] = answers
    expect(first).toMatchObject({ token_type: 'Bearer', scope: 'orders:read orders:write' })
    expect(renewed?.['refresh_token']).not.toBe(first?.['refresh_token'])
    expect([before?.['active'], revoked, after]).toEqual([true, 200, { active: false }])
    expect(service).toMatchObject({ token_type: 'Bearer', scope: 'orders:read' })
    for (const type of ['UserRegistered', 'EmailVerified', 'RefreshRotated', 'TokenRevoked'])
      expect(stdout).toMatch(new RegExp(`^\\S+Z  ${type} `, 'm'))
    const again = take() // on the same data, as after the next start
    expect(again.stdout.split('\n').slice(0, 2)).toEqual(lines.slice(0, 2))
    expect(again.status).toBe(0)
  })
})
