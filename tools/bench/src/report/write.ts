import { execFile } from 'node:child_process'
import { mkdir, writeFile } from 'node:fs/promises'
import { availableParallelism, cpus, loadavg, release, totalmem, type } from 'node:os'
import { dirname } from 'node:path'
import { promisify } from 'node:util'
import type { Options } from '../options.ts'
import type { Row } from './row.ts'

/** What one run found, and what went wrong in it. */
export interface Results {
  readonly options: Options
  readonly startedAt: string
  readonly rows: readonly Row[]
  readonly broken: readonly string[]
}

/** Writes the results with the machine they belong to, so that a later run can be compared or must not be. */
export async function writeResults(results: Results): Promise<void> {
  const { json } = results.options
  await mkdir(dirname(json), { recursive: true })
  const whole = { ...results, finishedAt: new Date().toISOString(), commit: await commit(), machine: machine() }
  await writeFile(json, `${JSON.stringify(whole, null, 2)}\n`)
}

function machine(): object {
  return {
    cores: availableParallelism(),
    processor: cpus()[0]?.model,
    memoryBytes: totalmem(),
    system: `${type()} ${release()}`,
    node: process.version,
    /** Far above what the bench itself makes (about 2): something else was running. */
    loadOfLast15Minutes: loadavg()[2],
  }
}

async function commit(): Promise<string | undefined> {
  const found = await promisify(execFile)('git', ['rev-parse', 'HEAD']).catch(() => undefined)
  return found?.stdout.trim()
}
