import { runOutsideDecision, Conflict, DecideAgain, runDecision } from '@ledgate/eventsourcing'
import { OAuthError } from '@ledgate/oauth'
import type { KeyVault } from '@ledgate/vault'
import type { Clock, CommandContext, EventLog, Written } from '../log/index.ts'
import {
  hasRoom,
  isDue,
  keyring as decider,
  type KeyringCommand,
  type NewKey,
  secondsToWait,
  standbyOf,
  TooEarly,
  TooManyKeys,
  UnknownKey,
} from './keyring.decider.ts'
import { type Key, keyringStream } from './events.ts'
import { openKeySecrets } from './key-secrets.ts'
import { isEnded, SHOWN_ENDED } from './remembered.ts'

/** A key that was just made: what everybody may know, and what goes into the vault. */
export interface MadeKey {
  readonly key: NewKey
  readonly secret: Uint8Array
}

export interface KeyringOptions {
  readonly log: EventLog
  readonly vault: KeyVault
  readonly clock: Clock
  /** What the keys are for: the stream is `keyring-<use>`. */
  readonly use: string
  make(): Promise<MadeKey>
  /** What `make` makes; after a change of it the next key takes over as soon as it was published for long enough. */
  readonly alg?: string
  /** Seconds a key has to be published before it is used. */
  readonly publishedFor: number
  /** Seconds a key is kept after another took its place: the longest life of what it made, and the clocks' skew. */
  readonly keepFor: number
  /** A new context for each command of the system itself. */
  context(): CommandContext
  /** After a restore: keys whose secret is gone are ended, and others take their place. Otherwise that is an error. */
  readonly replaceLost?: boolean
}

/** The keys of one use at one revision of their stream, and the secrets of those that are not retired. */
export interface Ring {
  readonly keys: readonly Key[]
  readonly secrets: ReadonlyMap<string, Uint8Array>
}

/** The keys of one use, which any process may change. */
export interface Keyring {
  /**
   * The keys as the log says, never older than the call; the same object while nothing was changed. Secrets are read from
   * the vault once.
   *
   * @throws {Unavailable} when the log cannot say now.
   */
  read(): Promise<Ring>
  /**
   * @throws {TooEarly} when the standby key was not published for long enough.
   * @throws {TooManyKeys} when too many that were superseded are still needed.
   */
  rotate(context: CommandContext): Promise<Written>
  /**
   * Ends a key that somebody else may have: the standby key takes its place at once, and its secret is destroyed. One that
   * has ended already, however long ago, is left as it is.
   *
   * @throws {UnknownKey} when there never was such a key.
   */
  compromise(kid: string, context: CommandContext): Promise<Written>
  /**
   * Retires what is due and destroys its secret, and rotates when the active key was in use for `period` seconds. Any
   * number of processes may do it at once: one of them rotates.
   */
  maintain(period: number): Promise<void>
}

const MAX_RACES = 8

/** Whether anything may still be checked with it. */
export const isLive = (key: Key) => !isEnded(key)

/** Events that are read at once in search of a key that the state has forgotten. */
const SEARCHED_AT_ONCE = 50

/** Nothing was written: the keys that were made for it are of no use. Any other error may have come after the write. */
const PROOFS_OF_NOTHING = [Conflict, DecideAgain, TooEarly, TooManyKeys, UnknownKey, OAuthError]
const provesNothingWritten = (error: unknown) => PROOFS_OF_NOTHING.some((proof) => error instanceof proof)

/** The newest revision that was read. */
interface Known extends Ring {
  readonly revision: bigint | undefined
}

/** Makes the command from what is known at that moment; `make` gives it keys that are in the vault. */
type Prepare = (make: () => Promise<NewKey>) => Promise<KeyringCommand>

/**
 * Opens the keys of one use; the first start makes an active and a standby one. Of two processes that start at once,
 * one begins and the other takes what it began.
 */
export async function openKeyring(options: KeyringOptions): Promise<Keyring> {
  const { log, clock, use } = options
  const vault = openKeySecrets(options.vault, use)
  const stream = keyringStream.of(use)
  let known: Known = { keys: [], revision: undefined, secrets: new Map() }

  async function secretsOf(keys: readonly Key[]): Promise<Known['secrets']> {
    const found = new Map<string, Uint8Array>()
    for (const { kid } of keys) {
      const secret = known.secrets.get(kid) ?? (await vault.get(kid))
      if (secret !== undefined) found.set(kid, secret)
    }
    return found
  }

  const isNews = (revision: bigint) => known.revision === undefined || revision > known.revision

  /** Keys and secrets change together, and never back to what an overtaken read found. */
  async function load(): Promise<void> {
    const [newest] = await log.last(stream)
    if (newest === undefined || !('keyring' in newest.data) || !isNews(newest.revision)) return
    const { keys } = newest.data.keyring
    const secrets = await secretsOf(keys.filter(isLive))
    if (!isNews(newest.revision)) return
    known = { keys, revision: newest.revision, secrets }
  }

  async function makeAndKeep(made: string[]): Promise<NewKey> {
    const { key, secret } = await options.make()
    made.push(key.kid)
    await vault.keep(key.kid, secret)
    return key
  }

  /** Destroys the keys that were made for nothing. */
  async function discard(made: readonly string[]): Promise<void> {
    const named = new Set(known.keys.map(({ kid }) => kid))
    await vault.destroy(made.filter((kid) => !named.has(kid)))
  }

  async function attempt(command: KeyringCommand, context: CommandContext): Promise<Written> {
    const events = decider.decide(command, { keys: [...known.keys] })
    if (events.length === 0) return { position: await log.store.head() }
    const { position } = await log.append(stream, events, { expected: known.revision ?? 'noStream', context })
    await load()
    return { position }
  }

  async function runOnce(prepare: Prepare, context: CommandContext): Promise<Written> {
    await load()
    const made: string[] = []
    const command = await prepare(() => makeAndKeep(made))
    try {
      const done = await attempt(command, context)
      await discard(made)
      return done
    } catch (error) {
      if (!provesNothingWritten(error)) throw error
      await runOutsideDecision(load)
      await discard(made)
      throw error
    }
  }

  /** Runs a command until nobody is in the way. */
  async function run(prepare: Prepare, context: CommandContext): Promise<Written> {
    for (let race = 0; race < MAX_RACES; race += 1) {
      try {
        return await runDecision(() => runOnce(prepare, { ...context, commandId: `${context.commandId}/${race}` }))
      } catch (error) {
        if (!(error instanceof Conflict)) throw error
      }
    }
    throw new Error(`the keyring ${use} is changed by too many concurrent writers`)
  }

  /** Also finishes what a process that died after it retired a key has left. @returns the keys whose secret is gone. */
  async function destroyEnded(): Promise<string[]> {
    const ended = known.keys.filter(isEnded).map(({ kid }) => kid)
    await vault.destroy(ended)
    return ended
  }

  /**
   * The ended keys that may be forgotten when there are more than are shown. A secret that cannot be destroyed now keeps its
   * entry, and does not hold up whoever ends another key.
   */
  async function forgettable(): Promise<string[]> {
    const ended = known.keys.filter(isEnded).map(({ kid }) => kid)
    return ended.length < SHOWN_ENDED ? [] : vault.destroyWhatCanBe(ended)
  }

  async function retire(): Promise<void> {
    const destroyed = await destroyEnded()
    const due = () => ({ type: 'Retire', now: clock.now(), keepFor: options.keepFor, destroyed }) as const
    if (decider.decide(due(), { keys: [...known.keys] }).length === 0) return
    await run(async () => due(), options.context())
    await destroyEnded()
  }

  const publication = () => ({ now: clock.now(), publishedFor: options.publishedFor })

  function refuseLostStandby(): void {
    const { kid } = standbyOf(known.keys)
    if (!known.secrets.has(kid)) throw new Error(`the standby key ${kid} of ${use} is not in the vault`)
  }

  async function rotate(context: CommandContext): Promise<Written> {
    return run(async (make) => {
      const wait = secondsToWait(known.keys, publication())
      if (!hasRoom(known.keys)) throw new TooManyKeys()
      if (wait > 0) throw new TooEarly(wait)
      refuseLostStandby()
      return { type: 'Rotate', standby: await make(), ...publication() }
    }, context)
  }

  /** Whether the log names the key, whatever the state has forgotten. */
  async function wasThere(kid: string): Promise<boolean> {
    let from: bigint | undefined
    do {
      const events = await log.page(stream, from, SEARCHED_AT_ONCE)
      if (events.some(({ data }) => 'keyring' in data && data.kid === kid)) return true
      from = (events.at(-1)?.revision ?? 0n) - 1n
    } while (from >= 0n)
    return false
  }

  async function compromise(kid: string, context: CommandContext): Promise<Written> {
    const prepare: Prepare = async (make) => {
      const destroyed = await forgettable()
      return { type: 'Compromise', kid, standby: await make(), now: clock.now(), destroyed }
    }
    try {
      const done = await run(prepare, context)
      await destroyEnded()
      return done
    } catch (error) {
      if (!(error instanceof UnknownKey) || !(await wasThere(kid))) throw error
      return { position: await log.store.head() }
    }
  }

  async function replaceStandby(): Promise<void> {
    if (options.alg === undefined || standbyOf(known.keys).alg === options.alg) return
    const prepare: Prepare = async (make) => {
      const destroyed = await forgettable()
      return { type: 'ReplaceStandby', standby: await make(), now: clock.now(), destroyed }
    }
    await run(prepare, options.context())
    await destroyEnded()
  }

  async function rotateWhenDue(period: number): Promise<void> {
    if (!isDue(known.keys, { period, ...publication() })) return
    refuseLostStandby()
    const prepare: Prepare = async (make) => ({
      type: 'RotateWhenDue',
      standby: await make(),
      period,
      ...publication(),
    })
    await run(prepare, options.context())
  }

  await load()
  if (known.keys.length === 0) {
    const begin: Prepare = async (make) => ({
      type: 'Begin',
      active: await make(),
      standby: await make(),
      now: clock.now(),
    })
    await run(begin, options.context())
  }

  /** Ends the keys that cannot be used any more, until the active and the standby key can. */
  async function replaceLost(): Promise<void> {
    for (let tries = 0; tries < MAX_RACES; tries += 1) {
      const lost = known.keys.find(
        ({ kid, status }) => (status === 'active' || status === 'standby') && !known.secrets.has(kid),
      )
      if (lost === undefined) return
      await compromise(lost.kid, options.context())
    }
  }
  if (options.replaceLost) await replaceLost()

  return {
    async read() {
      await load()
      return known
    },
    rotate,
    compromise,

    async maintain(period) {
      await load()
      await retire()
      await replaceStandby()
      await rotateWhenDue(period)
    },
  }
}
