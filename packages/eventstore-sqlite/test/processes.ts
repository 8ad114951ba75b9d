import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { EventStore } from '@ledgate/eventsourcing'
import { onTestFinished } from 'vitest'
import { openSqliteEventStore } from '../src/index.ts'

/** An append that a process called acknowledged. */
export interface Acknowledged {
  readonly stream: string
  readonly ids: readonly string[]
}

/** A process that appends; what it said so far can be asked at any time. */
export interface Appending {
  readonly process: ChildProcess
  readonly pid: number
  lines(): readonly string[]
  acknowledged(): readonly Acknowledged[]
  /** Resolves when it said a line that begins so. @throws {Error} when it ended without. */
  said(beginning: string): Promise<void>
  /** Ends it in the middle of whatever it does. */
  kill(): Promise<void>
  readonly exited: Promise<unknown>
}

export interface AppendingOptions {
  readonly file: string
  readonly width?: number
  readonly acknowledge?: 'after' | 'before'
  /** Appends in each lane, when it is to end by itself. */
  readonly turns?: number
  /** A command that runs the command behind it: strace, a shell that sets limits. */
  readonly under?: readonly string[]
}

/**
 * Whether tests that need these programs have to be skipped, and says so in one line. In CI nothing is: there they fail.
 *
 * @param loss what is not tested without them.
 */
export function isMissing(programs: readonly string[], loss: string): boolean {
  const missing = programs.filter((program) => spawnSync(program, ['--version']).error !== undefined)
  if (missing.length === 0 || process.env['CI']) return false
  console.log(`skipped, since ${missing.join(' and ')} is not installed: ${loss}`)
  return true
}

/** A new folder that goes with the test. */
export function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'ledgate-log-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** The store in a file, closed with the test at the latest. */
export async function opened(file: string): Promise<EventStore> {
  const store = await openSqliteEventStore({ file })
  onTestFinished(() => store.close())
  return store
}

function acknowledgedBy(lines: readonly string[]): readonly Acknowledged[] {
  return lines
    .filter((line) => line.startsWith('ack '))
    .map((line) => line.split(' '))
    .map(([, stream = '', ids = '']) => ({ stream, ids: ids.split(',') }))
}

/** Starts a process that appends; it ends with the test at the latest. */
export function startAppending({
  file,
  width = 8,
  acknowledge = 'after',
  turns,
  under = [],
}: AppendingOptions): Appending {
  const entry = join(import.meta.dirname, 'appending.ts')
  const command = [process.execPath, '--conditions=@ledgate/source', entry, file, String(width), acknowledge]
  if (turns !== undefined) command.push(String(turns))
  const [program = '', ...args] = [...under, ...command]
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  let [text, complaints] = ['', '']
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => (complaints += chunk))
  const closed = once(child, 'close')
  // The last line counts only when its end was read.
  const lines = () => text.slice(0, text.lastIndexOf('\n') + 1).split('\n')
  const kill = async () => {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL')
    await closed
  }
  onTestFinished(kill)
  return {
    process: child,
    pid: child.pid ?? 0,
    lines,
    acknowledged: () => acknowledgedBy(lines()),
    async said(beginning) {
      const ended = closed.then(() => {
        if (!lines().some((line) => line.startsWith(beginning)))
          throw new Error(`the process ended without saying "${beginning}": ${complaints.slice(-2000)}`)
      })
      while (!lines().some((line) => line.startsWith(beginning)))
        await Promise.race([once(child.stdout, 'data'), ended])
    },
    kill,
    exited: closed,
  }
}

/** Which acknowledged appends the log does not hold, whole and in order. */
export async function lost(store: EventStore, acknowledged: readonly Acknowledged[]): Promise<readonly string[]> {
  const missing: string[] = []
  for (const { stream, ids } of acknowledged) {
    const events = await store.read(stream).catch(() => [])
    if (events.map(({ id }) => id).join() !== ids.join()) missing.push(stream)
  }
  return missing
}

/** Streams that hold a part of an append: every append was of three events. */
export async function halfDone(store: EventStore): Promise<readonly string[]> {
  const counts = new Map<string, number>()
  for await (const { stream } of store.readAll()) counts.set(stream, (counts.get(stream) ?? 0) + 1)
  return [...counts].filter(([, count]) => count !== 3).map(([stream]) => stream)
}
