import { Conflict, DecideAgain, runDecision, runOutsideDecision } from '@ledgate/eventsourcing'
import { OAuthError } from '@ledgate/oauth'
import type { CommandContext, EventLog, Written } from '../log/index.ts'
import { type Key, keyringStream } from './events.ts'
import type { KeySecrets } from './key-secrets.ts'
import {
  keyring as decider,
  type KeyringCommand,
  type NewKey,
  TooEarly,
  TooManyKeys,
  UnknownKey,
} from './keyring.decider.ts'
import { isEnded } from './remembered.decider.ts'

/** A newly generated key: its public part, and the secret for the vault. */
export interface MadeKey {
  readonly key: NewKey
  readonly secret: Uint8Array
}

/** The keys of one use at one revision of their stream, and the secrets of those that are not retired. */
export interface Ring {
  readonly keys: readonly Key[]
  readonly secrets: ReadonlyMap<string, Uint8Array>
}

/** Builds the command from the current state; `make` gives it new keys, which are already in the vault. */
export type Prepare = (make: () => Promise<NewKey>) => Promise<KeyringCommand>

/** How often a command is repeated when other writers append first. */
export const MAX_RACES = 8

/** Events that are read at once when looking for a key that the state no longer contains. */
const SEARCHED_AT_ONCE = 50

/** Whether the key may still be needed for a verification. */
export const isLive = (key: Key) => !isEnded(key)

/** These prove that nothing was written, so the keys made for it are unused. After any other error they may be in use. */
const PROOFS_OF_NOTHING = [Conflict, DecideAgain, TooEarly, TooManyKeys, UnknownKey, OAuthError]
const provesNothingWritten = (error: unknown) => PROOFS_OF_NOTHING.some((proof) => error instanceof proof)

/** The newest revision that was read. */
interface Known extends Ring {
  readonly revision: bigint | undefined
}

export interface KeyringLogOptions {
  readonly log: EventLog
  readonly secrets: KeySecrets
  readonly use: string
  make(): Promise<MadeKey>
}

/** The stream `keyring-<use>` and the secrets of its keys: their newest state, and commands that change it. */
export class KeyringLog {
  readonly #options: KeyringLogOptions
  readonly #stream: ReturnType<typeof keyringStream.of>
  #known: Known = { keys: [], revision: undefined, secrets: new Map() }

  constructor(options: KeyringLogOptions) {
    this.#options = options
    this.#stream = keyringStream.of(options.use)
  }

  /** The newest state that was loaded; the same object while nothing was changed. */
  get ring(): Ring {
    return this.#known
  }

  /** Keys and secrets change together, and never go back to the result of an overtaken read. */
  async load(): Promise<void> {
    const [newest] = await this.#options.log.last(this.#stream)
    if (newest === undefined || !('keyring' in newest.data) || !this.#isNews(newest.revision)) return
    const { keys } = newest.data.keyring
    const secrets = await this.#secretsOf(keys.filter(isLive))
    if (!this.#isNews(newest.revision)) return
    this.#known = { keys, revision: newest.revision, secrets }
  }

  /** Runs a command, and repeats it when another writer appended first. */
  async run(prepare: Prepare, context: CommandContext): Promise<Written> {
    for (let race = 0; race < MAX_RACES; race += 1) {
      try {
        return await runDecision(() =>
          this.#runOnce(prepare, { ...context, commandId: `${context.commandId}/${race}` }),
        )
      } catch (error) {
        if (!(error instanceof Conflict)) throw error
      }
    }
    throw new Error(`the keyring ${this.#options.use} is changed by too many concurrent writers`)
  }

  /** Whether the log names the key, even if the state no longer contains it. */
  async names(kid: string): Promise<boolean> {
    let from: bigint | undefined
    do {
      const events = await this.#options.log.page(this.#stream, from, SEARCHED_AT_ONCE)
      if (events.some(({ data }) => 'keyring' in data && data.kid === kid)) return true
      from = (events.at(-1)?.revision ?? 0n) - 1n
    } while (from >= 0n)
    return false
  }

  #isNews(revision: bigint): boolean {
    return this.#known.revision === undefined || revision > this.#known.revision
  }

  async #secretsOf(keys: readonly Key[]): Promise<Ring['secrets']> {
    const found = new Map<string, Uint8Array>()
    for (const { kid } of keys) {
      const secret = this.#known.secrets.get(kid) ?? (await this.#options.secrets.get(kid))
      if (secret !== undefined) found.set(kid, secret)
    }
    return found
  }

  async #runOnce(prepare: Prepare, context: CommandContext): Promise<Written> {
    await this.load()
    const made: string[] = []
    const command = await prepare(() => this.#makeAndKeep(made))
    try {
      const done = await this.#attempt(command, context)
      await this.#discard(made)
      return done
    } catch (error) {
      if (!provesNothingWritten(error)) throw error
      await runOutsideDecision(() => this.load())
      await this.#discard(made)
      throw error
    }
  }

  async #attempt(command: KeyringCommand, context: CommandContext): Promise<Written> {
    const { log } = this.#options
    const events = decider.decide(command, { keys: [...this.#known.keys] })
    if (events.length === 0) return { position: await log.store.head() }
    const expected = this.#known.revision ?? 'noStream'
    const { position } = await log.append(this.#stream, events, { expected, context })
    await this.load()
    return { position }
  }

  async #makeAndKeep(made: string[]): Promise<NewKey> {
    const { key, secret } = await this.#options.make()
    made.push(key.kid)
    await this.#options.secrets.keep(key.kid, secret)
    return key
  }

  /** Destroys the secrets of keys that were made but not used. */
  async #discard(made: readonly string[]): Promise<void> {
    const named = new Set(this.#known.keys.map(({ kid }) => kid))
    await this.#options.secrets.destroy(made.filter((kid) => !named.has(kid)))
  }
}
