import { setTimeout as sleep } from 'node:timers/promises'
import { onTestFinished } from 'vitest'
import { type Ended, InvalidStatement, type Notice } from '../src/statement/index.ts'
import { type FollowRevocations, followRevocations, type RevocationFollower } from '../src/follower/index.ts'
import { revocationIndex } from '../src/revocation-index/index.ts'
import { ISSUER } from './arbitrary.ts'

export const UNTIL = 4_000_000_000
export const grant = (id: string): Ended => ({ scope: 'grant', id, until: UNTIL })
const token = (gid: string) => ({ jti: 'j', client_id: 'c', sub: 'u', kid: 'k', gid, isOffline: false })

/** Waits for as long as it takes: the test's own limit is the only one. */
export async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await sleep(2)
}

/** Ends what the test of now began. */
export const atEnd = (end: () => unknown): void => onTestFinished(async () => void (await end()))

type Options = Partial<FollowRevocations> & Pick<FollowRevocations, 'sources'>

/** A follower that begins again at once; it gives up on nothing unless a test says so. */
export function follow(options: Options, keyFor: FollowRevocations['keyFor']) {
  const index = options.index ?? revocationIndex()
  const troubles: unknown[] = []
  const heard: (Notice | undefined)[] = []
  const follower: RevocationFollower = followRevocations({
    issuer: ISSUER,
    keyFor,
    index,
    silenceMs: 600_000,
    failoverAfterMs: 600_000,
    backoffMs: { first: 1, longest: 2 },
    onTrouble: (error) => troubles.push(error),
    onRevoked: (_, notice) => heard.push(notice),
    ...options,
  })
  atEnd(() => follower.close())
  const isDead = (gid: string) => index.endedBy(token(gid)) !== undefined
  const reasons = () => troubles.map((error) => (error instanceof InvalidStatement ? error.reason : String(error)))
  return { follower, index, troubles, reasons, heard, isDead }
}
