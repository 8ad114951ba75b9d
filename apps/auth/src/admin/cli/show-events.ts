import { setTimeout as pause } from 'node:timers/promises'
import type { JsonObject } from '@ledgate/eventsourcing'
import { Refused } from '../../refusal/index.ts'
import { command, type CommandLine } from './command-line.ts'
import { show } from './show.ts'

const FOLLOW_MS = 500

/** Milliseconds since the epoch. */
function time(text: string): number {
  const parsed = Date.parse(text)
  if (Number.isNaN(parsed)) throw new Refused(`${text} is not a time such as 2026-01-31T12:00:00Z`)
  return parsed
}

/** The command that shows events. */
export function addEvents({ root, ask, print, isJson }: CommandLine): void {
  command(root, 'events')
    .option('--last <n>', 'at most this many')
    .option('--stream <name>')
    .option('--type <type>')
    .option('--subject <sub or client_id>')
    .option('--actor <type:id>')
    .option('--since <time>', 'an ISO 8601 time', time)
    .option('--after <position>', 'only events after this one, oldest first')
    .option('--follow', 'keep printing new events')
    .action(async ({ follow, ...query }: { follow?: boolean } & Record<string, unknown>) => {
      let seen: string | undefined
      const more = async (input: Record<string, unknown>) => {
        const { events, position } = (await ask('events', input)) as { events: JsonObject[]; position?: string }
        seen = position ?? seen
        if (isJson()) events.forEach((event) => print(JSON.stringify(event)))
        else if (events.length > 0) print(show({ events }))
      }
      await more(query)
      while (follow) {
        await pause(FOLLOW_MS)
        await more({ after: seen, last: 1000 })
      }
    })
}
