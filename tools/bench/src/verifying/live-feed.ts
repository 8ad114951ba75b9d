import { randomUUID } from 'node:crypto'
import type { Ended, RevocationSource } from '@ledgate/revocation'
import { testFeed } from '@ledgate/revocation/testing'
import type { JWK } from 'jose'
import { ISSUER } from './tokens.ts'

/** What has ended already when a verifier starts. */
const ENDED_BEFORE = 10_000
const HEARTBEAT_MS = 1_000
const NOTICE_MS = 100

/** A feed as an issuer's is at work: much has ended, more ends all the time, and a heartbeat comes every second. */
export interface LiveFeed {
  readonly source: RevocationSource
  /** Checks what it says. */
  readonly jwk: JWK
}

const ending = (): Ended => ({ scope: 'session', id: randomUUID(), until: Math.floor(Date.now() / 1000) + 3_600 })

/** A feed of this process; none of the tokens that are presented is ended by it. */
export async function liveFeed(): Promise<LiveFeed> {
  const feed = await testFeed({ issuer: ISSUER })
  const chunk = await feed.sign({
    kind: 'chunk',
    snapshot: 'first',
    index: 0,
    count: 1,
    through: feed.position,
    at: Date.now(),
    ended: Array.from({ length: ENDED_BEFORE }, ending),
  })
  const source = feed.source()
  source.push(chunk)
  feed.beat(HEARTBEAT_MS)
  setInterval(() => void feed.end(ending()), NOTICE_MS)
  return { source, jwk: feed.signer.jwk }
}
