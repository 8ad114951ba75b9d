import type { Command } from 'commander'
import { expect, it, vi } from 'vitest'
import { OPERATIONS, SUMMARIES } from '../vocabulary/index.ts'
import { createProgram } from './program.ts'

function commandLine() {
  const ask = vi.fn(() => Promise.resolve({ events: [] }))
  const local = {
    backup: () => Promise.resolve({}),
    restore: () => Promise.resolve({}),
    databaseUser: () => Promise.resolve({}),
  }
  const root = createProgram({ asker: () => ask, local, print: () => undefined })
  return { root, ask, run: (line: string) => root.parseAsync(line.split(' '), { from: 'user' }) }
}

it.each(['users list --limit', 'clients list --limit', 'resources list --limit', 'events --last'])(
  '`%s` is checked as it was written: where it is asked, not by what a part of it could be read as',
  async (line) => {
    const { ask, run } = commandLine()
    await run(`${line} 10abc`)
    expect(ask).toHaveBeenCalledWith(
      expect.any(String),
      expect.objectContaining({ [line.split('--')[1] ?? '']: '10abc' }),
    )
  },
)

it('a time that is none is refused, and nothing is asked', async () => {
  const { ask, run } = commandLine()
  await expect(run('events --since yesterday')).rejects.toThrow('yesterday is not a time')
  expect(ask).not.toHaveBeenCalled()
  await run('events --since 2026-01-31T12:00:00Z')
  expect(ask).toHaveBeenCalledWith('events', { since: Date.UTC(2026, 0, 31, 12) })
})

it('speaks the words of the API: every operation but the search by address, and what only an operator may', () => {
  const words = (parent: Command, before: readonly string[] = []): string[] =>
    parent.commands.flatMap((each) =>
      each.commands.length > 0 ? words(each, [...before, each.name()]) : [[...before, each.name()].join(' ')],
    )
  const former = ['erase', 'end-all-tokens', 'pending-erasures', 'rewrap-vault']
  const own = words(commandLine().root).filter((word) => !former.includes(word))
  expect(own.toSorted()).toEqual(
    Object.keys(SUMMARIES)
      .filter((word) => word !== 'users find')
      .toSorted(),
  )
  for (const { command } of OPERATIONS) expect(SUMMARIES).toHaveProperty([command])
})

it.each([
  ['erase u_1', 'users erase u_1'],
  ['end-all-tokens --reason stolen', 'tokens end-all --reason stolen'],
  ['pending-erasures', 'vault pending'],
  ['rewrap-vault', 'vault rewrap'],
])('`%s`, of an older version, is `%s`', async (former, now) => {
  const [old, current] = [commandLine(), commandLine()]
  await old.run(former)
  await current.run(now)
  expect(old.ask.mock.calls).toEqual(current.ask.mock.calls)
})
