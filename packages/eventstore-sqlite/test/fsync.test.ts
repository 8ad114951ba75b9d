import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { isMissing, newFolder, startAppending } from './processes.ts'

/** Appends in each lane. */
const TURNS = 30

const TRACED = ['-f', '-qq', '-s', '20000', '-e', 'trace=pwrite64,fdatasync,fsync,write', '-e', 'signal=none']

/** A system call that has ended, in the order of their ends. */
interface Call {
  readonly name: string
  readonly text: string
}

/** strace writes a call that another thread's came between in two lines. */
function callsIn(trace: string): readonly Call[] {
  const begun = new Map<string, string>()
  const calls: Call[] = []
  for (const line of trace.split('\n')) {
    const [, thread = '', rest = ''] = /^(\d+)\s+(.*)$/.exec(line) ?? []
    const resumed = /^<\.\.\. (\w+) resumed>(.*)$/.exec(rest)
    if (rest.endsWith('<unfinished ...>')) begun.set(thread, rest.slice(0, -'<unfinished ...>'.length))
    else if (resumed) calls.push({ name: resumed[1] ?? '', text: `${begun.get(thread) ?? ''}${resumed[2]}` })
    else if (rest !== '') calls.push({ name: /^\w+/.exec(rest)?.[0] ?? '', text: rest })
  }
  return calls
}

const UUID = /[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}/g

/** How many acknowledgements there were, and which of them came before the disk had confirmed what they are about. */
function judge(calls: readonly Call[]): { acknowledged: number; early: readonly string[] } {
  const writtenAt = new Map<string, number>()
  const early: string[] = []
  let [acknowledged, syncedAt] = [0, -1]
  calls.forEach(({ name, text }, index) => {
    if (name === 'pwrite64') for (const [id] of text.matchAll(UUID)) if (!writtenAt.has(id)) writtenAt.set(id, index)
    if (/^f(data)?sync\(.*= 0$/.test(text)) syncedAt = index
    if (!text.startsWith('write(1, "ack ')) return
    acknowledged += 1
    for (const [id] of text.matchAll(UUID)) if ((writtenAt.get(id) ?? Infinity) > syncedAt) early.push(id)
  })
  return { acknowledged, early }
}

async function watch(acknowledge: 'after' | 'before', width: number) {
  const folder = newFolder()
  const trace = join(folder, 'trace')
  const under = ['strace', ...TRACED, '-o', trace]
  await startAppending({ file: join(folder, 'log.db'), acknowledge, width, turns: TURNS, under }).exited
  return judge(callsIn(readFileSync(trace, 'utf8')))
}

describe.skipIf(isMissing(['strace'], 'that the disk is told before anybody is'))('under strace', () => {
  it.each([1, 16])('no append is acknowledged before its fdatasync, with %i concurrent appends', async (width) => {
    const { acknowledged, early } = await watch('after', width)
    expect(acknowledged).toBe(TURNS * width)
    expect(early).toEqual([])
  })

  it('control: an early acknowledgement is detected', async () => {
    const { early } = await watch('before', 4)
    expect(early.length).toBeGreaterThan(0)
  })
})
