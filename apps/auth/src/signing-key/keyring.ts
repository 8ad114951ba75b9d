import { Conflict } from '@ledgate/eventsourcing'
import type { KeyVault } from '@ledgate/vault'
import type { Clock, CommandContext, EventLog } from '../log/index.ts'
import { keyring as decider, type KeyringCommand, type NewKey } from './decider.ts'
import type { Key, KeyringState } from './events.ts'

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
  /** Seconds a key has to be published before it is used. */
  readonly publishedFor: number
  /** Seconds a key is kept after it was used for the last time. */
  readonly keepFor: number
  /** A new context for each command of the system itself. */
  context(): CommandContext
}

/** The keys of one use, followed as they change anywhere. */
export interface Keyring {
  /** The keys as last heard of. */
  keys(): readonly Key[]
  /** The secret of a key that is not retired. */
  secret(kid: string): Uint8Array | undefined
  /** @throws {TooEarly} when the standby key was not published for long enough. */
  rotate(context: CommandContext): Promise<{ position: string }>
  /** Retires what is due, and rotates when the active key is older than `period` seconds. */
  maintain(period: number): Promise<void>
  /** Called after the keys have changed, wherever that was. */
  onChange(listener: () => void): void
  /** Hears of changes made elsewhere until the signal. */
  follow(signal: AbortSignal): Promise<void>
}

const MAX_RACES = 8

const secretName = (use: string, kid: string) => `keyring/${use}/${kid}`

/**
 * Opens the keys of one use; the first start makes an active and a standby one. Of two processes that start at once,
 * one begins and the other takes what it began.
 */
export async function openKeyring(options: KeyringOptions): Promise<Keyring> {
  const { log, vault, clock, use } = options
  const stream = `keyring-${use}`
  const secrets = new Map<string, Uint8Array>()
  const listeners: (() => void)[] = []
  let known: { state: KeyringState; revision: bigint | undefined } = {
    state: decider.initialState,
    revision: undefined,
  }

  async function load(): Promise<void> {
    const [newest] = await log.last(stream)
    if (newest === undefined || newest.revision === known.revision || !('keyring' in newest.data)) return
    known = { state: newest.data.keyring, revision: newest.revision }
    for (const { kid, status } of known.state.keys) {
      if (status === 'retired' || status === 'compromised') secrets.delete(kid)
      else if (!secrets.has(kid)) {
        const secret = await vault.get(secretName(use, kid))
        if (secret !== undefined) secrets.set(kid, secret)
      }
    }
    listeners.forEach((listener) => listener())
  }

  async function makeAndKeep(): Promise<NewKey> {
    const { key, secret } = await options.make()
    await vault.putIfAbsent(secretName(use, key.kid), secret) // before any event names it
    return key
  }

  /** Runs a command until nobody is in the way; keys that were made for nothing are destroyed. */
  async function run(command: () => Promise<KeyringCommand>, context: CommandContext): Promise<{ position: string }> {
    for (let race = 0; race < MAX_RACES; race += 1) {
      await load()
      const wanted = await command()
      const made = [
        ...('active' in wanted ? [wanted.active.kid] : []),
        ...('standby' in wanted ? [wanted.standby.kid] : []),
      ]
      const discard = () => Promise.all(made.map((kid) => vault.destroy(secretName(use, kid))))
      try {
        const events = decider.decide(wanted, known.state)
        if (events.length === 0) {
          await discard()
          return { position: await log.store.head() }
        }
        const expected = known.revision ?? 'noStream'
        const own = { ...context, commandId: `${context.commandId}/${race}` }
        const { position } = await log.append(stream, events, { expected, context: own })
        await load()
        return { position }
      } catch (error) {
        if (!(error instanceof Conflict)) {
          await discard()
          throw error
        }
        await discard()
      }
    }
    throw new Error(`the keyring ${use} is changed by too many at once`)
  }

  async function retire(context: CommandContext): Promise<void> {
    const due = { type: 'Retire', now: clock.now(), keepFor: options.keepFor } as const
    const kids = decider.decide(due, known.state).flatMap(({ data }) => data.kid)
    if (kids.length === 0) return
    await run(async () => due, context)
    for (const kid of kids) await vault.destroy(secretName(use, kid))
  }

  await load()
  if (known.state.keys.length === 0) {
    const begin = async () =>
      ({ type: 'Begin', active: await makeAndKeep(), standby: await makeAndKeep(), now: clock.now() }) as const
    await run(begin, options.context())
  }

  const rotate = (context: CommandContext) =>
    run(
      async () => ({
        type: 'Rotate',
        standby: await makeAndKeep(),
        now: clock.now(),
        publishedFor: options.publishedFor,
      }),
      context,
    )

  return {
    keys: () => known.state.keys,
    secret: (kid) => secrets.get(kid),
    rotate,
    onChange: (listener) => void listeners.push(listener),

    async maintain(period) {
      await load()
      await retire(options.context())
      const active = known.state.keys.find(({ status }) => status === 'active')
      if (active !== undefined && clock.now() - (active.activated_at ?? 0) >= period) await rotate(options.context())
    },

    async follow(signal) {
      const after = await log.store.head()
      await load()
      for await (const message of log.store.subscribe({ after, filter: { categories: ['keyring'] }, signal })) {
        if (message.kind === 'event' && message.event.stream === stream) await load()
      }
    },
  }
}
