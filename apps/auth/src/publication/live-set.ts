import { setImmediate as turn } from 'node:timers/promises'
import type { Position } from '@ledgate/eventsourcing'
import { encodeStatement, type Notice, type Publication } from '@ledgate/revocation'
import type { LiveSet } from './topic-writer.ts'
import { type SnapshotOptions, viewsAtHead } from './snapshot.ts'

/** Notices that are signed until others get their turn. */
const BATCH = 100

/**
 * Everything that still matters of what ended after a place, as notices, signed anew. Whoever has it and what came after its
 * end knows what whoever heard everything knows.
 *
 * @throws {Unavailable} when the views do not come to the end of the log.
 */
export async function liveSet(options: SnapshotOptions, after: Position): Promise<LiveSet> {
  const { issuer, tokenCap, views, keys, clock } = options
  const through = await viewsAtHead(options)

  async function signed(notices: readonly Notice[]): Promise<readonly Publication[]> {
    const { signer } = await keys.read()
    return Promise.all(
      notices.map(async (notice) => {
        const jws = await encodeStatement(notice, { issuer, signer, now: clock.nowMs })
        return { jws, position: notice.position, kind: 'notice' } as const
      }),
    )
  }

  async function* batches(): AsyncGenerator<readonly Publication[], void> {
    const live = views.revocations.open()
    try {
      // Read behind everything that it tells of.
      const issuerEpoch = await options.issuerEpoch()
      for (const notices of live.notices(after, { issuer, issuerEpoch, tokenCap, now: clock.now(), size: BATCH })) {
        if (notices.length > 0) yield await signed(notices)
        await turn()
      }
    } finally {
      live.close()
    }
  }
  return { through, batches: batches() }
}
