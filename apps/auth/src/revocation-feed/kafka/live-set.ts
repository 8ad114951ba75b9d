import { setImmediate as turn } from 'node:timers/promises'
import type { Position } from '@ledgate/eventsourcing'
import { encodeStatement, type Heartbeat, type Notice, type Publication } from '@ledgate/revocation'
import type { LiveSet } from './topic-writer.ts'
import { type SnapshotOptions, viewsAtHead } from '../snapshot.ts'

/** Notices that are signed until others get their turn. */
const BATCH = 100

/**
 * Everything that still matters of what ended after a place, as notices, signed anew, and a heartbeat that closes them. Whoever
 * has it and what came after its end knows what whoever heard everything knows.
 *
 * @throws {Unavailable} when the views do not come to the end of the log.
 */
export async function openLiveSet(options: SnapshotOptions, after: Position): Promise<LiveSet> {
  const { issuer, views, keys, clock } = options
  const at = clock.nowMs()
  const through = await viewsAtHead(options)

  async function signed(statements: readonly (Notice | Heartbeat)[]): Promise<readonly Publication[]> {
    const { signer } = await keys.read()
    return Promise.all(
      statements.map(async (statement) => {
        const jws = await encodeStatement(statement, { issuer, signer, now: clock.nowMs })
        const position = statement.kind === 'notice' ? statement.position : statement.through
        return { jws, position, kind: statement.kind }
      }),
    )
  }

  async function* batches(): AsyncGenerator<readonly Publication[], void> {
    const live = views.revocations.open()
    const set = live.through
    let predecessor: string = after
    const linked = (notice: Notice): Notice => {
      const link = { predecessor, set }
      predecessor = notice.position
      return { ...notice, ...link }
    }
    try {
      // Read behind everything that it tells of.
      const [issuerEpoch, tokenCap] = await Promise.all([options.issuerEpoch(), options.tokenCap()])
      for (const notices of live.notices(after, { issuer, issuerEpoch, tokenCap, now: clock.now(), size: BATCH })) {
        if (notices.length > 0) yield await signed(notices.map(linked))
        await turn()
      }
      // Also when nothing matters any more: it says so, and a reader knows everything up to there.
      yield await signed([{ kind: 'heartbeat', through: set, at, predecessor }])
    } finally {
      live.close()
    }
  }
  return { through, batches: batches() }
}
