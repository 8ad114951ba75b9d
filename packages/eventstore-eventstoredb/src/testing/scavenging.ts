import { ANY } from './commit-check.ts'
import type { Member } from './member.ts'
import type { Answer } from './pending-answers.ts'
import { discarded, pointToUse, SCAVENGE_POINT, SCAVENGE_POINTS } from './scavenge.ts'
import { type StoredEvent, systemEvent } from './stored-event.ts'
import type { Append } from './writing.ts'

type Appending = (at: Member, append: Append, answer: (answer: Answer) => void) => void

/** Scavenges the files of one node, by a point of its own log. @throws {Error} when a new point is needed and cannot be written. */
export async function scavenge(at: Member, append: Appending): Promise<void> {
  const point = pointToUse(at.log, at.committed, at.usedPoint) ?? (await newPoint(at, append))
  for (const event of discarded(at.log, point)) at.gone.add(event)
  at.usedPoint = point.revision
}

/** Has the leader write a point, and waits until this node has it. */
async function newPoint(at: Member, append: Appending): Promise<StoredEvent> {
  const { leader } = at
  if (leader === undefined) throw new Error('nobody leads, who could write a scavenge point')
  const point = { stream: SCAVENGE_POINTS, events: [systemEvent(SCAVENGE_POINT, '{"threshold":0}')], expected: ANY }
  await new Promise<void>((resolve, reject) =>
    leader.whenAwake(() =>
      append(leader, point, ({ kind }) =>
        kind === 'success' ? resolve() : reject(new Error(`no scavenge point: ${kind}`)),
      ),
    ),
  )
  for (;;) {
    const found = pointToUse(at.log, at.committed, at.usedPoint)
    if (found) return found
    await new Promise<void>((resolve) => {
      const stop = at.onCommit(at.committed + 1, () => {
        stop()
        resolve()
      })
    })
  }
}
