import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'

/** Runs the program beside this test to its own end. @returns what it said; warnings and errors are none of it. */
async function run(work: string): Promise<string> {
  const flags = ['--conditions=@ledgate/source', '--trace-warnings', '--unhandled-rejections=strict']
  const program = join(import.meta.dirname, 'program.ts')
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [...flags, program, work], { timeout: 50_000 })
  expect(stderr).toBe('')
  return stdout.trim()
}

describe('a process with a verifier', { timeout: 60_000 }, () => {
  it('ends by itself when the verifier is closed: no handle, no warning', async () => {
    expect(await run('wholeLife')).toBe('verifier_not_ready')
  })

  it('survives that it is closed at any moment of its start, or while it verifies: every call is answered', async () => {
    expect(await run('races')).toMatch(/^good,verifier_not_ready(,verifier_stale)?$/)
  })

  it('ends in good order when it is told to: streams are ended, and so is everything else', async () => {
    expect(await run('api')).toBe('ended')
  })
})
