/**
 * An attack on every account at once, with a hasher that costs nothing, and what it leaves in the log:
 * `node --conditions=@ledgate/source apps/auth/src/testing/failing-sign-ins.ts <accounts> <tries each>`. Time is the
 * attack's own: so many tries are one second.
 */
import { DEFAULT_LOGIN_RECORD_LIMITS } from '../config/index.ts'
import { openHousehold, SOURCE } from './household.ts'
import { command } from './parts.ts'
import { ANONYMOUS } from '../log/index.ts'

const TRIES_A_SECOND = 10_000
const AT_ONCE = 500

const [accounts = 0, tries = 0] = process.argv.slice(2).map(Number)
const home = await openHousehold()
const addressOf = (index: number) => `person-${index}@example.com`

for (let start = 0; start < accounts; start += AT_ONCE)
  await Promise.all(
    Array.from({ length: Math.min(AT_ONCE, accounts - start) }, (_, index) =>
      home.create({ email: addressOf(start + index), password: 'a quiet harbour at dawn' }),
    ),
  )

const before = await home.store.head()
const began = performance.now()
let attempted = 0
for (let round = 0; round < tries; round += 1)
  for (let start = 0; start < accounts; start += AT_ONCE) {
    const some = Math.min(AT_ONCE, accounts - start)
    await Promise.allSettled(
      Array.from({ length: some }, (_, index) =>
        home.signIn.signIn({
          username: addressOf(start + index),
          password: 'wrong',
          source: SOURCE,
          context: command(ANONYMOUS),
        }),
      ),
    )
    const seconds = Math.floor((attempted + some) / TRIES_A_SECOND) - Math.floor(attempted / TRIES_A_SECOND)
    attempted += some
    if (seconds > 0) {
      await home.record.settled()
      home.clock.advance(seconds)
    }
  }
await home.record.settled()

const found: Record<string, number> = {}
let events = 0
for await (const { type } of home.store.readAll({ after: before })) {
  found[type] = (found[type] ?? 0) + 1
  events += 1
}
const { perAccountAndHour, perSecond, summaryEvery } = DEFAULT_LOGIN_RECORD_LIMITS
const seconds = Math.ceil(attempted / TRIES_A_SECOND)
const hours = Math.ceil(seconds / 3600)
const allowed =
  Math.min(perAccountAndHour * accounts * hours, perSecond * (seconds + 1)) + Math.ceil(seconds / summaryEvery) + 1
console.log(
  JSON.stringify({ attempted, events, allowed, seconds, elapsedMs: Math.round(performance.now() - began), found }),
)
