import { join } from 'node:path'
import { randomBytes, randomUUID } from 'node:crypto'
import { type KeyVault, type Sealer, vaultSealer } from '@ledgate/vault'
import type { Logger } from 'pino'
import { openAdministrators, type Administrators } from '../admin/administrators/index.ts'
import { openClients, type Clients } from '../client/index.ts'
import { type Config, LONGEST_TOKEN_CAP } from '../config/index.ts'
import {
  type Clock,
  type CommandContext,
  openEventLog,
  type EventLog,
  keyedHash as openKeyedHash,
  type KeyedHash,
  systemClock,
} from '../log/index.ts'
import { type IssuerEpoch, openIssuerEpoch } from '../issuer-epoch/index.ts'
import { openTokenCap, type TokenCap } from '../token-cap/index.ts'
import { openAudiences, type Audiences, openResources, type Resources } from '../resource/index.ts'
import { openNames, type Names } from '../name/index.ts'
import { type DerivationKeys, openDerivationKeys, openSigningKeys, type SigningKeys } from '../signing-key/index.ts'
import { locators as openLocators, type Locators } from '../token/index.ts'
import { NOTICES_KEPT, SKEW } from '../revocation-feed/index.ts'
import type { Views } from '../views/index.ts'
import { type Hearings, openHearings } from './hearings.ts'
import { openStorage, type Storage, type WatchedStore } from './storage.ts'
import { openThreadedViews } from './views.ts'
import { catalogue } from '../catalogue/index.ts'

/** Seconds for which others may cache our keys. */
const JWKS_MAX_AGE = 300
/** Seconds after which no refresh token or mailed link of an old derivation key can be alive. */
const DERIVED_SECRETS_LIVE = 400 * 86_400

/** The parts of Ledgate that its server and its command line both stand on. */
export interface Core {
  readonly config: Config
  readonly logger: Logger
  readonly clock: Clock
  readonly store: WatchedStore
  readonly storage: Storage
  readonly vault: KeyVault
  readonly sealer: Sealer
  readonly log: EventLog
  readonly keyedHash: KeyedHash
  /** Keys the hash that tells the source of a request again. */
  readonly sourceKey: Uint8Array
  /** Opens what an encrypted token says of itself. */
  readonly locators: Locators
  readonly names: Names
  readonly audiences: Audiences
  readonly administrators: Administrators
  readonly installation: IssuerEpoch
  readonly tokenCap: TokenCap
  readonly clients: Clients
  readonly resources: Resources
  readonly signingKeys: SigningKeys
  /** Those that sign what is said of revocations: whoever has one cannot make a token. */
  readonly feedKeys: SigningKeys
  readonly derivationKeys: DerivationKeys
  readonly views: Views
  /** How those who follow the log hear it. */
  readonly hearings: Hearings
  close(): Promise<void>
}

/** What the system does by itself is a command, too. */
export function systemContext(id: string): CommandContext {
  const commandId = randomUUID()
  return { commandId, correlationId: commandId, causationId: commandId, actor: { type: 'system', id } }
}

/** Closes what was opened so far, newest first, whatever one of them says. */
function closer() {
  const opened: (() => Promise<void>)[] = []
  return {
    opened: <Part>(part: Part, close: () => Promise<void>): Part => {
      opened.push(close)
      return part
    },
    async close() {
      for (const close of opened.splice(0).reverse()) await close()
    },
  }
}

/**
 * Opens everything that holds data.
 *
 * @throws {Error} when another process has the data folder, the master key does not fit, or the folder cannot be used.
 */
export async function openCore(config: Config, logger: Logger): Promise<Core> {
  const parts = closer()
  try {
    return await open(config, logger, parts)
  } catch (error) {
    await parts.close()
    throw error
  }
}

async function open(config: Config, logger: Logger, parts: ReturnType<typeof closer>): Promise<Core> {
  const clock = systemClock
  const storage = await openStorage(config, (why) => logger.warn({ reason: why }, 'waiting for the event store'))
  parts.opened(storage, () => storage.close())
  const { store, vault, source } = storage
  const sealer = vaultSealer(vault)
  const log = openEventLog({ store, sealer, catalogue })
  const secret = (name: string) => vault.putIfAbsent(name, randomBytes(32))
  const keyedHash = openKeyedHash(await secret('hash/stream-names'))
  const context = () => systemContext('keyring')
  const keyring = { log, vault, clock, context }
  const tokenCap = openTokenCap({ log })
  // Before there is a key: what this process signs may live so long.
  await tokenCap.raiseTo(config.tokenCap, systemContext('token-cap'))
  const signingKeys = await openSigningKeys({
    ...keyring,
    alg: config.signingAlg,
    maxAge: JWKS_MAX_AGE,
    // Another replica, or this one before it was started anew, may have signed for longer than this one is configured to.
    keepFor: LONGEST_TOKEN_CAP + SKEW,
  })
  const feedKeys = await openSigningKeys({ ...keyring, use: 'feed', maxAge: JWKS_MAX_AGE, keepFor: NOTICES_KEPT })
  const derivationKeys = await openDerivationKeys({ ...keyring, keepFor: DERIVED_SECRETS_LIVE })
  const hearings = openHearings(logger, clock.nowMs)
  const views = await openThreadedViews({
    viewsFile: join(config.dataDir, 'views.db'),
    source,
    sealer,
    onDeath: (error) => logger.error({ err: error }, 'the projector thread died, restarting'),
    onDiscarded: (why) => logger.warn(why),
    onUnheard: hearings.views.failed,
    onHeard: hearings.views.heard,
    onTrouble: (trouble) => logger.error({ trouble }, 'a view cannot be updated'),
  })
  parts.opened(views, () => views.close())
  const names = openNames(log, keyedHash)
  return {
    config,
    logger,
    clock,
    store,
    storage,
    vault,
    sealer,
    log,
    keyedHash,
    sourceKey: await secret('hash/sources'),
    locators: openLocators(await secret('hash/locators')),
    names,
    audiences: openAudiences(log, names, config.issuer),
    administrators: openAdministrators(log),
    installation: openIssuerEpoch({ log, clock }),
    tokenCap,
    clients: openClients({ log, names, clock }),
    resources: openResources({ log, names, clock, keyedHash, issuer: config.issuer }),
    signingKeys,
    feedKeys,
    derivationKeys,
    views,
    hearings,
    close: parts.close,
  }
}
