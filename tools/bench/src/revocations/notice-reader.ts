/** Starts from signed notices, one by one, as they are in a topic. Arguments: the algorithm, how many. */
import { EVENT_TYPES, encodeStatement, type FeedItem, type Notice, Notices } from '@ledgate/revocation'
import { testSigner } from '@ledgate/revocation/testing'
import { caughtUp } from './caught-up.ts'
import { ending, inAnHour } from './endings.ts'
import { onGo } from './messages.ts'

const [alg = 'ES256', count = '0'] = process.argv.slice(2)
const issuer = 'https://id.example.com'
/** How many come at once: about what a broker sends in one message. */
const BATCH = 500

const signer = await testSigner({ alg })

const positionOf = (nth: number): string => String(nth).padStart(16, '0')

function noticeOf(nth: number): Notice {
  const ended = ending(nth, inAnHour())
  const [type] = Object.values(EVENT_TYPES[ended.scope])
  const about = { time: Math.floor(Date.now() / 1000), jti: crypto.randomUUID(), txn: crypto.randomUUID() }
  return Notices[ended.scope].parse({ kind: 'notice', ended, type, ...about, position: positionOf(nth) })
}

async function batchFrom(first: number): Promise<readonly FeedItem[]> {
  const places = Array.from({ length: Math.min(BATCH, Number(count) - first) }, (_, nth) => first + nth)
  return Promise.all(
    places.map(async (nth) => ({ jws: await encodeStatement(noticeOf(nth), { issuer, signer }), cursor: String(nth) })),
  )
}

const batches: (readonly FeedItem[])[] = []
for (let first = 0; first < Number(count); first += BATCH) batches.push(await batchFrom(first))

/** All of the notices, and a heartbeat that vouches for them. */
async function* open(): AsyncGenerator<readonly FeedItem[]> {
  yield* batches
  const through = positionOf(Number(count))
  const heartbeat = { kind: 'heartbeat', through, at: Date.now() } as const
  yield [{ jws: await encodeStatement(heartbeat, { issuer, signer }), cursor: through }]
  await new Promise(() => undefined)
}

onGo(() => caughtUp({ sources: [{ name: 'notices', open }], issuer, keyFor: signer.keyFor }))
