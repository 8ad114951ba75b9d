import { expect, it, vi } from 'vitest'
import { program } from './program.ts'

function commandLine() {
  const ask = vi.fn(() => Promise.resolve({ events: [] }))
  const local = {
    backup: () => Promise.resolve({}),
    restore: () => Promise.resolve({}),
    databaseUser: () => Promise.resolve({}),
  }
  const root = program({ asker: () => ask, local, print: () => undefined })
  return { ask, run: (line: string) => root.parseAsync(line.split(' '), { from: 'user' }) }
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
