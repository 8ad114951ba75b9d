import type { KeyVault } from '@ledgate/vault'
import type { Clock, CommandContext, EventLog, Written } from '../log/index.ts'
import { type KeySecrets, openKeySecrets } from './key-secrets.ts'
import {
  hasRoom,
  isDue,
  keyring as decider,
  secondsToWait,
  standbyOf,
  TooEarly,
  TooManyKeys,
  UnknownKey,
} from './keyring.decider.ts'
import { KeyringLog, type MadeKey, MAX_RACES, type Prepare, type Ring } from './keyring-log.ts'
import { isEnded, SHOWN_ENDED } from './remembered.decider.ts'

export interface KeyringOptions {
  readonly log: EventLog
  readonly vault: KeyVault
  readonly clock: Clock
  /** What the keys are for: the stream is `keyring-<use>`. */
  readonly use: string
  make(): Promise<MadeKey>
  /** The algorithm of the keys from `make`; after a change, the next key takes over once it was published long enough. */
  readonly alg?: string
  /** Seconds a key has to be published before it is used. */
  readonly publishedFor: number
  /** Seconds a key is kept after it was superseded: the longest lifetime of what it signed, plus the clock skew. */
  readonly keepFor: number
  /** A new context for each command of the system itself. */
  context(): CommandContext
  /** After a restore: replaces keys whose secret is lost. Otherwise a lost secret is an error. */
  readonly replaceLost?: boolean
}

/** The keys of one use, which any process may change. */
export interface Keyring {
  /**
   * The keys in the log, never older than the call; the same object while nothing was changed. Secrets are read from the
   * vault once.
   *
   * @throws {Unavailable} if the log cannot be read now.
   */
  read(): Promise<Ring>
  /**
   * @throws {TooEarly} if the standby key was not published for long enough.
   * @throws {TooManyKeys} if too many superseded keys are still needed.
   */
  rotate(context: CommandContext): Promise<Written>
  /**
   * Destroys a key that may have leaked; the standby key takes its place at once. A key that was already retired or
   * compromised, however long ago, is left as it is.
   *
   * @throws {UnknownKey} if the key never existed.
   */
  compromise(kid: string, context: CommandContext): Promise<Written>
  /**
   * Retires what is due and destroys its secret, and rotates when the active key was in use for `period` seconds. Any
   * number of processes may do it at once: one of them rotates.
   */
  maintain(period: number): Promise<void>
}

/**
 * Opens the keys of one use; the first start makes an active and a standby key. If two processes start at the same time,
 * one of them makes the keys and the other uses them.
 */
export async function openKeyring(options: KeyringOptions): Promise<Keyring> {
  const keyring = new LogKeyring(options)
  await keyring.begin()
  return keyring
}

/** A keyring whose state is in the log and whose secrets are in the vault. */
class LogKeyring implements Keyring {
  readonly #options: KeyringOptions
  readonly #secrets: KeySecrets
  readonly #log: KeyringLog

  constructor(options: KeyringOptions) {
    this.#options = options
    this.#secrets = openKeySecrets(options.vault, options.use)
    this.#log = new KeyringLog({ ...options, make: () => options.make(), secrets: this.#secrets })
  }

  /** Makes the first keys, and replaces lost ones where that is wanted. */
  async begin(): Promise<void> {
    await this.#log.load()
    if (this.#log.ring.keys.length === 0)
      await this.#run(async (make) => ({
        type: 'Begin',
        active: await make(),
        standby: await make(),
        now: this.#now(),
      }))
    if (this.#options.replaceLost) await this.#replaceLost()
  }

  async read(): Promise<Ring> {
    await this.#log.load()
    return this.#log.ring
  }

  async rotate(context: CommandContext): Promise<Written> {
    return this.#log.run(async (make) => {
      const { keys } = this.#log.ring
      const wait = secondsToWait(keys, this.#publication())
      if (!hasRoom(keys)) throw new TooManyKeys()
      if (wait > 0) throw new TooEarly(wait)
      this.#refuseLostStandby()
      return { type: 'Rotate', standby: await make(), ...this.#publication() }
    }, context)
  }

  async compromise(kid: string, context: CommandContext): Promise<Written> {
    const prepare: Prepare = async (make) => {
      const destroyed = await this.#forgettable()
      return { type: 'Compromise', kid, standby: await make(), now: this.#now(), destroyed }
    }
    try {
      const done = await this.#log.run(prepare, context)
      await this.#destroyEnded()
      return done
    } catch (error) {
      if (!(error instanceof UnknownKey) || !(await this.#log.names(kid))) throw error
      return { position: await this.#options.log.store.head() }
    }
  }

  async maintain(period: number): Promise<void> {
    await this.#log.load()
    await this.#retire()
    await this.#replaceStandby()
    await this.#rotateWhenDue(period)
  }

  #now(): number {
    return this.#options.clock.now()
  }

  #publication() {
    return { now: this.#now(), publishedFor: this.#options.publishedFor }
  }

  /** Runs a command of the system itself. */
  #run(prepare: Prepare): Promise<Written> {
    return this.#log.run(prepare, this.#options.context())
  }

  #ended(): string[] {
    return this.#log.ring.keys.filter(isEnded).map(({ kid }) => kid)
  }

  /** Also completes what a process left undone that died after it retired a key. @returns the keys without a secret. */
  async #destroyEnded(): Promise<string[]> {
    const ended = this.#ended()
    await this.#secrets.destroy(ended)
    return ended
  }

  /**
   * The ended keys that may be removed from the state, once there are more than are shown. A secret that cannot be
   * destroyed now keeps its entry, and does not block the command for another key.
   */
  async #forgettable(): Promise<string[]> {
    const ended = this.#ended()
    return ended.length < SHOWN_ENDED ? [] : this.#secrets.destroyWhatCanBe(ended)
  }

  async #retire(): Promise<void> {
    const destroyed = await this.#destroyEnded()
    const due = () => ({ type: 'Retire', now: this.#now(), keepFor: this.#options.keepFor, destroyed }) as const
    if (decider.decide(due(), { keys: [...this.#log.ring.keys] }).length === 0) return
    await this.#run(async () => due())
    await this.#destroyEnded()
  }

  async #replaceStandby(): Promise<void> {
    const { alg } = this.#options
    if (alg === undefined || standbyOf(this.#log.ring.keys).alg === alg) return
    await this.#run(async (make) => {
      const destroyed = await this.#forgettable()
      return { type: 'ReplaceStandby', standby: await make(), now: this.#now(), destroyed }
    })
    await this.#destroyEnded()
  }

  async #rotateWhenDue(period: number): Promise<void> {
    if (!isDue(this.#log.ring.keys, { period, ...this.#publication() })) return
    this.#refuseLostStandby()
    await this.#run(async (make) => ({
      type: 'RotateWhenDue',
      standby: await make(),
      period,
      ...this.#publication(),
    }))
  }

  #refuseLostStandby(): void {
    const { keys, secrets } = this.#log.ring
    const { kid } = standbyOf(keys)
    if (!secrets.has(kid)) throw new Error(`the standby key ${kid} of ${this.#options.use} is not in the vault`)
  }

  /** Ends keys whose secret is lost, until the active and the standby key have theirs. */
  async #replaceLost(): Promise<void> {
    for (let tries = 0; tries < MAX_RACES; tries += 1) {
      const { keys, secrets } = this.#log.ring
      const lost = keys.find(({ kid, status }) => (status === 'active' || status === 'standby') && !secrets.has(kid))
      if (lost === undefined) return
      await this.compromise(lost.kid, this.#options.context())
    }
  }
}
