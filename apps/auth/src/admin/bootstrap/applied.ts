import { spellingsOf } from '@ledgate/oauth'
import { normalizeAddress } from '../../email-address/index.ts'
import type { CommandContext, EventLog, KeyedHash } from '../../log/index.ts'
import { once } from '../../mail/index.ts'
import { type BootstrapEvent, bootstrapStream } from './events.ts'

/** What tells an entry of the file again, however the rest of it was edited and wherever it stands. */
export interface EntryName {
  readonly kind: BootstrapEvent['data']['kind']
  /** A keyed hash: the log does not tell whose address is in the file. */
  readonly hash: string
}

/** A user is named as the stream of their address is, so that a restore can tell whose entry it was. */
export const userEntry = (emailHmac: string): EntryName => ({ kind: 'user', hash: emailHmac })

/** Names of entries by what stands in the file. */
export const entryNames = (hash: KeyedHash) => ({
  user: ({ email }: { readonly email: string }): EntryName =>
    userEntry(hash(`email ${normalizeAddress(email) ?? email}`)),
  client: (clientId: string): EntryName => ({ kind: 'client', hash: hash(`bootstrap client ${clientId}`) }),
  /** A resource server has two names: its `client_id`, where the file gives one, and its identifier. */
  resource: ({
    client_id: clientId,
    resource,
  }: {
    readonly client_id?: string | undefined
    readonly resource: string
  }): readonly [EntryName, EntryName] => {
    const byIdentifier: EntryName = {
      kind: 'resource',
      hash: hash(`bootstrap resource ${spellingsOf(resource).toSorted()[0] ?? resource}`),
    }
    const byId = clientId === undefined ? byIdentifier : { ...byIdentifier, hash: hash(`bootstrap server ${clientId}`) }
    return [byId, byIdentifier]
  },
})

/** Which entries were applied once: whatever became of what they made, they are not applied again. */
export interface AppliedEntries {
  /** Never older than the call. */
  has(entry: EntryName): Promise<boolean>
  /** Safe to repeat, also at the same time. */
  add(entry: EntryName, context: CommandContext): Promise<void>
}

/** Kept in `bootstrap-<hash>`, one event for each entry. */
export function openAppliedEntries(log: EventLog): AppliedEntries {
  const streamOf = ({ hash }: EntryName) => bootstrapStream.of(hash)
  const has: AppliedEntries['has'] = async (entry) => (await log.last(streamOf(entry))).length > 0
  return {
    has,
    async add(entry, context) {
      if (await has(entry)) return
      const event = { type: 'BootstrapEntryApplied', data: { kind: entry.kind } } as const
      await once(() => log.append(streamOf(entry), [event], { expected: 'noStream', context }))
    },
  }
}
