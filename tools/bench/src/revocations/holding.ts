/** Holds so many live revocations and says what they take. Argument: how many. */
import { setTimeout as pause } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { revocationIndex, type RevocationIndex } from '@ledgate/revocation'
import { ending } from './endings.ts'
import { type Held, onGo } from './messages.ts'

const count = Number(process.argv[2])

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

/** Buffers are given back by another thread, a moment after they were found to be of no use. */
const A_MOMENT_MS = 200

/** What the process takes when nothing is left that could go. */
async function memoryNow() {
  for (let time = 0; time < 3; time += 1) {
    collect()
    await pause(A_MOMENT_MS)
  }
  const { rss, heapUsed, external } = process.memoryUsage()
  return { used: heapUsed + external, resident: rss }
}

function fill(index: RevocationIndex, entries: number, until: number): void {
  for (let nth = 0; nth < entries; nth += 1) index.apply(ending(nth, until))
}

const seconds = (): number => Math.floor(Date.now() / 1000)

async function hold(): Promise<Held> {
  // What is compiled and reserved once is there before.
  fill(revocationIndex(), count / 20, seconds() + 3_600)
  const before = await memoryNow()
  let skippedMs = 0
  const index = revocationIndex({ now: () => Date.now() + skippedMs })
  fill(index, count, seconds() + 3_600)
  const [entries, bytes, after] = [index.size, index.bytes, await memoryNow()]
  skippedMs = 7_200_000
  index.expire()
  const expired = await memoryNow()
  return {
    kind: 'held',
    entries,
    bytes,
    used: after.used - before.used,
    resident: after.resident - before.resident,
    afterExpiry: {
      entries: index.size,
      used: expired.used - before.used,
      resident: expired.resident - before.resident,
    },
  }
}

onGo(hold)
