import type { Decider } from '@ledgate/eventsourcing'
import type { Key, KeyringEvent, KeyringState } from './events.ts'
import { MAX_SUPERSEDED, createKeyMemory } from './remembered.decider.ts'
import { NotFound, Refused } from '../refusal/index.ts'

/** What a keyring is asked to do. Times are whole seconds since the epoch, durations seconds. */
export type KeyringCommand = KeyringAct & {
  /** The `kid` of ended keys whose secret is in the vault no more: only those are forgotten. Default: none. */
  readonly destroyed?: readonly string[]
}

type KeyringAct =
  /** The first start: one key to use, and one standing by. */
  | { readonly type: 'Begin'; readonly active: NewKey; readonly standby: NewKey; readonly now: number }
  /** Put the standby key to use, and another one standing by. */
  | ({ readonly type: 'Rotate'; readonly standby: NewKey } & Publication)
  /** The same, if the active key was in use for `period` and the standby key was published for long enough. */
  | ({ readonly type: 'RotateWhenDue'; readonly standby: NewKey; readonly period: number } & Publication)
  /** Keys are made in another way now: the one that stands by, which nothing was made with, gives way to one of these. */
  | { readonly type: 'ReplaceStandby'; readonly standby: NewKey; readonly now: number }
  /** The key may have leaked: it is not used for anything from now on. */
  | {
      readonly type: 'Compromise'
      readonly kid: string
      /** Takes the place of the standby key when that one is put to use or is the one. */
      readonly standby: NewKey
      readonly now: number
    }
  /** Let go of the keys whose work nothing that lives depends on. */
  | { readonly type: 'Retire'; readonly now: number; readonly keepFor: number }

/** How long a key has to be published before it is used. */
export interface Publication {
  readonly now: number
  readonly publishedFor: number
}

/** A key that was made and put into the vault. */
export type NewKey = Pick<Key, 'kid' | 'alg' | 'public_jwk'>

/** The standby key was not published for long enough: a resource server that caches the key set would not know it yet. */
export class TooEarly extends Refused {
  /** In seconds. */
  readonly retryAfter: number

  constructor(retryAfter: number) {
    super(`the standby key was published too recently; rotate again in ${retryAfter} s`)
    this.retryAfter = retryAfter
  }
}

/** So many keys that were superseded are still needed that another rotation has to wait for one of them to be retired. */
export class TooManyKeys extends Refused {
  constructor() {
    super(`${MAX_SUPERSEDED} superseded keys are still needed; rotate again once one of them has been retired`)
  }
}

/** There is no such key. */
export class UnknownKey extends NotFound {
  constructor() {
    super('key')
  }
}

const fresh = (key: NewKey, now: number): Key => ({
  ...key,
  status: 'standby',
  generated_at: now,
  activated_at: null,
  superseded_at: null,
  retired_at: null,
})

const activated = (key: Key, now: number): Key => ({ ...key, status: 'active', activated_at: now })

/** The keys with one of them changed. */
const withKey = (keys: readonly Key[], changed: Key): Key[] =>
  keys.map((key) => (key.kid === changed.kid ? changed : key))

const generated = (keys: readonly Key[], key: Key): KeyringEvent => ({
  type: 'KeyGenerated',
  data: { kid: key.kid, keyring: { keys: [...keys, key] } },
})

function begin(
  { active, standby, now }: Extract<KeyringCommand, { type: 'Begin' }>,
  keys: readonly Key[],
): KeyringEvent[] {
  if (keys.length > 0) return []
  const first = fresh(active, now)
  const used = activated(first, now)
  return [
    generated([], first),
    { type: 'KeyActivated', data: { kid: first.kid, keyring: { keys: [used] } } },
    generated([used], fresh(standby, now)),
  ]
}

/** The key that stands by. */
export function standbyOf(keys: readonly Key[]): Key {
  const standby = keys.find(({ status }) => status === 'standby')
  if (standby === undefined) throw new Error('no standby key')
  return standby
}

/** Seconds until the standby key may be used. */
export const secondsToWait = (keys: readonly Key[], { now, publishedFor }: Publication): number =>
  Math.max(0, standbyOf(keys).generated_at + publishedFor - now)

/** Whether the keyring has room for one more key that was superseded. */
export const hasRoom = (keys: readonly Key[]): boolean =>
  keys.filter(({ status }) => status === 'retiring').length < MAX_SUPERSEDED

/** Whether the schedule, or another algorithm, asks for another key, and it may be used already. */
export function isDue(keys: readonly Key[], { period, ...publication }: Publication & { period: number }): boolean {
  if (!hasRoom(keys)) return false
  const active = keys.find(({ status }) => status === 'active')
  const inUse = publication.now - (active?.activated_at ?? publication.now)
  const isOther = active !== undefined && active.alg !== standbyOf(keys).alg
  return (inUse >= period || isOther) && secondsToWait(keys, publication) === 0
}

function rotate(command: { readonly standby: NewKey } & Publication, keys: readonly Key[]): KeyringEvent[] {
  const { standby, now } = command
  if (!hasRoom(keys)) throw new TooManyKeys()
  const missing = secondsToWait(keys, command)
  if (missing > 0) throw new TooEarly(missing)
  const next = standbyOf(keys)
  const superseded = keys.map((key): Key =>
    key.status === 'active' ? { ...key, status: 'retiring', superseded_at: now } : key,
  )
  const after = withKey(superseded, activated(next, now))
  return [
    { type: 'KeyActivated', data: { kid: next.kid, keyring: { keys: after } } },
    generated(after, fresh(standby, now)),
  ]
}

function replaceStandby(
  { standby, now }: Extract<KeyringCommand, { type: 'ReplaceStandby' }>,
  keys: readonly Key[],
): KeyringEvent[] {
  const old = standbyOf(keys)
  if (old.alg === standby.alg) return []
  const left = withKey(keys, { ...old, status: 'retired', superseded_at: now, retired_at: now })
  return [{ type: 'KeyRetired', data: { kid: old.kid, keyring: { keys: left } } }, generated(left, fresh(standby, now))]
}

/**
 * The standby key is used at once, published for long enough or not: a resource server that caches the key set asks again for a key that
 * it does not know, and a token of the compromised one must no longer be made.
 */
function compromise(
  { kid, standby, now }: Extract<KeyringCommand, { type: 'Compromise' }>,
  keys: readonly Key[],
): KeyringEvent[] {
  const found = keys.find((key) => key.kid === kid)
  if (found === undefined) throw new UnknownKey()
  if (found.status === 'retired' || found.status === 'compromised') return []
  const left = withKey(keys, { ...found, status: 'compromised', superseded_at: now, retired_at: now })
  const events: KeyringEvent[] = [{ type: 'KeyCompromised', data: { kid, keyring: { keys: left } } }]
  if (found.status === 'retiring') return events
  if (found.status === 'standby') return [...events, generated(left, fresh(standby, now))]
  const next = standbyOf(left)
  const after = withKey(left, activated(next, now))
  return [
    ...events,
    { type: 'KeyActivated', data: { kid: next.kid, keyring: { keys: after } } },
    generated(after, fresh(standby, now)),
  ]
}

/** Keys whose work is done are retired. Those that were retired before and have waited as long again are forgotten. */
function retire(
  { now, keepFor, destroyed = [] }: Extract<KeyringCommand, { type: 'Retire' }>,
  keys: readonly Key[],
): KeyringEvent[] {
  const isOver = (since: number | null) => since !== null && now >= since + keepFor
  const events: KeyringEvent[] = []
  let left = keys.filter(({ kid, retired_at }) => !isOver(retired_at) || !destroyed.includes(kid))
  for (const key of keys) {
    if (key.status !== 'retiring' || !isOver(key.superseded_at)) continue
    left = withKey(left, { ...key, status: 'retired', retired_at: now })
    events.push({ type: 'KeyRetired', data: { kid: key.kid, keyring: { keys: left } } })
  }
  return events
}

/**
 * The life of the keys of one use: at most one is active, and each is published before it is used. Every event carries all
 * keys, so their number is bounded: a rotation waits for room, while to compromise a key is always possible.
 */
export const keyring: Decider<KeyringState, KeyringCommand, KeyringEvent> = {
  initialState: { keys: [] },

  /** @throws {TooEarly | TooManyKeys | UnknownKey} */
  decide(command, state) {
    const keys = createKeyMemory(state.keys, command.destroyed ?? [])
    switch (command.type) {
      case 'Begin':
        return begin(command, keys)
      case 'Rotate':
        return rotate(command, keys)
      case 'RotateWhenDue':
        return isDue(keys, command) ? rotate(command, keys) : []
      case 'ReplaceStandby':
        return replaceStandby(command, keys)
      case 'Compromise':
        return compromise(command, keys)
      case 'Retire':
        return retire(command, keys)
    }
  },

  evolve: (_state, { data }) => data.keyring,
}
