import { ERASED, type Sealer } from '@ledgate/vault'
import { z } from 'zod'
import type { EventLog, RecordOf, Source } from '../log/index.ts'
import { type GrantEvent, type GrantState, grantStream } from './events.ts'
import { LOOK_BACK, type ReadGrant } from './grants.ts'
import type { Spending } from './refresh.decider.ts'

type StateRecord = RecordOf<GrantEvent> & { readonly data: { readonly grant: GrantState } }

/** The newest event of a grant, up to a revision, that carries the state. */
async function stateAt(log: EventLog, gid: string, revision: bigint): Promise<StateRecord | undefined> {
  const events = await log.page(grantStream.of(gid), revision, LOOK_BACK)
  return events.find((event): event is StateRecord => 'grant' in event.data)
}

/**
 * The event by which a generation was spent: the first of a later one. Generations only rise along the stream, so it is looked
 * for from the end in steps that double, then by halving: about forty reads of four events in a stream of a million, and one
 * or two for a token that was spent last. Whoever sends old tokens cannot make the server read a stream.
 */
async function rotationOf(
  log: EventLog,
  { state: { gid }, revision }: ReadGrant,
  generation: number,
): Promise<StateRecord | undefined> {
  let found: StateRecord | undefined
  let [before, end] = [-1n, revision + 1n]

  /** Narrows the search by what the stream says at a revision; whether it was of a later generation there. */
  async function look(at: bigint): Promise<boolean> {
    const event = await stateAt(log, gid, at)
    const isLater = event !== undefined && (event.data.grant.refresh?.generation ?? -1) > generation
    if (isLater) [found, end] = [event, event.revision]
    else before = at
    return isLater
  }

  for (let step = 1n; end - step > before && (await look(end - step)); step *= 2n);
  while (end - before > 1n) await look((before + end) / 2n)
  return found
}

const KnownSource = z.object({ hash: z.string(), text: z.string() })

/** What tells the same source again; `null` for one whose address is not known: it is like no other. */
export const sourceHash = ({ hash, text }: Pick<Source, 'hash' | 'text'>): string | null =>
  hash === '' || text.startsWith('unknown ') ? null : hash

async function sourceOf({ envelope: { source } }: StateRecord, sealer: Pick<Sealer, 'unseal'>): Promise<string | null> {
  if (typeof source === 'object') return sourceHash(source)
  const text = source === undefined ? ERASED : await sealer.unseal(source, 'source')
  return text === ERASED ? null : sourceHash(KnownSource.parse(JSON.parse(text)))
}

/**
 * How a generation was spent: what the event of it says, whose source is sealed under the user's key. Nothing about where
 * users are is kept for this beside the envelope that every event has; it vanishes with the user.
 */
export async function spendingOf(
  { log, sealer }: { readonly log: EventLog; readonly sealer: Pick<Sealer, 'unseal'> },
  found: ReadGrant,
  generation: number,
): Promise<Spending | null> {
  const rotation = await rotationOf(log, found, generation)
  if (rotation?.data.grant.refresh?.generation !== generation + 1) return null
  return { attempt: rotation.data.grant.refresh.attempt, source: await sourceOf(rotation, sealer) }
}
