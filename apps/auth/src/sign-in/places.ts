import { runOutsideDecision } from '@ledgate/eventsourcing'
import { ERASED, type Sealer } from '@ledgate/vault'
import { createKnownPlaces, PLACES } from '../limit/index.ts'
import { type CommandContext, type EventLog, handle, readState, type Source } from '../log/index.ts'
import { placeStream } from './events.ts'
import { placesOfUser, type SealedPlaces } from './places.decider.ts'
import { DUMMY_SUBJECT, type UserState } from '../user/index.ts'

/**
 * Where a user signed in, so that strangers are told from them after a restart too. It decides who waits, never who may:
 * that is why it may be read once and remembered.
 */
export interface Places {
  /** Whether the user signed in from there before. Takes the same time for existing and unknown accounts. */
  isKnown(user: Pick<UserState, 'sub'> | { readonly nobody: string }, place: string): Promise<boolean>
  /** Writes down a place that was not known, before it answers; a sign-in does not fail for it. */
  add(user: UserState, source: Source, context: CommandContext): Promise<void>
}

export interface PlacesDependencies {
  readonly log: EventLog
  readonly sealer: Pick<Sealer, 'seal' | 'unseal'>
  readonly newId: () => string
  /** Users whose places are remembered; of the others they are read again. */
  readonly remembered?: number
  /** Called when sources could not be read or written. */
  onError(error: unknown): void
}

const REMEMBERED = 50_000

/** Places over the log: the newest event of `place-<sub>` has all of them, sealed under the user's key. */
export function openPlaces(dependencies: PlacesDependencies): Places {
  const { log, sealer, newId, remembered = REMEMBERED, onError } = dependencies
  const memory = createKnownPlaces<object>(remembered)
  /** Names that no one has, apart: they push out no person. */
  const nobodies = createKnownPlaces<object>(remembered)

  const placesOf = (sub: string) => ({ stream: placeStream.of(sub), decider: placesOfUser })

  async function unseal(sealed: SealedPlaces | undefined): Promise<readonly string[]> {
    const text = sealed === undefined ? ERASED : await sealer.unseal(sealed, 'places')
    return text === ERASED ? [] : text.split(' ')
  }

  const read = async (sub: string) => unseal((await readState(log, placesOf(sub))).state)

  async function load(sub: string): Promise<void> {
    const found = await read(sub)
    for (const place of found.toReversed()) memory.add(sub, place, {})
    if (found.length === 0) memory.add(sub, '', {})
  }

  const append = (user: UserState, place: string, context: CommandContext) =>
    handle(log, placesOf(user.sub), async ({ state }) => {
      const before = await unseal(state)
      if (before.includes(place)) return undefined
      const newest = await sealer.seal(user.data_key, 'places', [place, ...before].slice(0, PLACES).join(' '))
      const own = { ...context, commandId: newId(), actor: { type: 'user', id: user.sub } as const }
      return { command: { type: 'RecordPlaces', places: newest } as const, context: own, dataKey: user.data_key }
    })

  return {
    async isKnown(who, place) {
      try {
        if ('nobody' in who) {
          if (!nobodies.has(who.nobody)) await read(DUMMY_SUBJECT)
          nobodies.add(who.nobody, '', {})
          return false
        }
        if (!memory.has(who.sub)) await load(who.sub)
        return memory.get(who.sub, place) !== undefined
      } catch (error) {
        onError(error)
        return false
      }
    },

    async add(user, { hash: place }, context) {
      const isNew = memory.get(user.sub, place) === undefined
      memory.add(user.sub, place, {})
      // It is no part of the sign-in, which may be decided again.
      if (isNew) await runOutsideDecision(() => append(user, place, context)).catch(onError)
    },
  }
}
