import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { keptPosition, type Position, START } from '@ledgate/eventsourcing'
import {
  copyLog,
  digestLog,
  lockForWriting,
  openSqliteEventReader,
  openSqliteEventStore,
  parsePosition,
} from '@ledgate/eventstore-sqlite'
import { vaultSealer } from '@ledgate/vault'
import { copyVault, openSqliteVault } from '@ledgate/vault/sqlite'
import { z } from 'zod'
import { openAddresses, emailStream, ERASED_REASON } from '../email-address/index.ts'
import { changeUser, readUser, userStream } from '../user/index.ts'
import { openErasure } from '../account/index.ts'
import { openAppliedEntries, userEntry } from '../admin/bootstrap/index.ts'
import { positionIn } from '../admin/commands/index.ts'
import { type Config, LONGEST_TOKEN_CAP } from '../config/index.ts'
import { openIssuerEpoch } from '../issuer-epoch/index.ts'
import { openTokenCap } from '../token-cap/index.ts'
import { SKEW } from '../revocation-feed/index.ts'
import { keyedHash, newId, openEventLog, systemClock } from '../log/index.ts'
import { systemContext } from './core.ts'
import { prepareDataFolder } from './data-folder.ts'
import { openDerivationKeys, openSigningKeys } from '../signing-key/index.ts'
import { wrappingKeys } from './master-keys.ts'
import { catalogue, decode } from '../catalogue/index.ts'
import type { RestoreOptions } from '../admin/vocabulary/index.ts'
import { Refused } from '../refusal/index.ts'

const LOG = 'events.db'
const VAULT = 'vault.db'
const MANIFEST = 'manifest.json'

/** What a backup says of itself; it is written last, so that whatever lacks it is no backup. */
const Manifest = z.strictObject({
  version: z.literal(1),
  /** Of the last event in it. */
  position: z.string(),
  events: z.int().nonnegative(),
  digest: z.string(),
  /** ISO 8601. */
  taken_at: z.string(),
})
type Manifest = z.infer<typeof Manifest> & { readonly position: Position }

function assertEmbedded({ eventStoreDBUrl }: Config, what: string): void {
  if (eventStoreDBUrl !== undefined) throw new Refused(`with LEDGATE_EVENTSTOREDB_URL, ${what}: see docs/operations.md`)
}

/**
 * Copies log and vault while the server runs. The log first: a key is in the vault before any event names it, so the
 * vault that is copied later has every key that the log needs. Before it reads anything, it lets its process give
 * way to those who answer requests; a process that does other work gives none.
 *
 * @throws {Refused} when the folder is not empty, or there is nothing to copy.
 */
export async function takeBackup(config: Config, folder: string, giveWay = () => {}): Promise<Manifest> {
  assertEmbedded(config, 'back up the database with its own tools')
  if (existsSync(join(folder, LOG)) || existsSync(join(folder, MANIFEST)))
    throw new Refused(`${folder} already holds a backup`)
  if (!existsSync(join(config.dataDir, LOG)))
    throw new Refused(`there is no log in LEDGATE_DATA_DIR (${config.dataDir})`)
  giveWay()
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const part = await copyLog({ from: join(config.dataDir, LOG), to: join(folder, LOG) })
  copyVault(join(config.dataDir, VAULT), join(folder, VAULT))
  const manifest = { version: 1, ...part, taken_at: new Date().toISOString() } as const
  writeFileSync(join(folder, MANIFEST), `${JSON.stringify(manifest, null, 2)}\n`, { flush: true })
  return manifest
}

/** Whom a log erased after a position, and which addresses that freed. */
interface Erasures {
  readonly subs: readonly string[]
  readonly addresses: readonly {
    readonly hmac: string
    readonly reservationId: string
    /** Its person came from the bootstrap file, which must not make them again. */
    readonly isBootstrap: boolean
  }[]
}

const hmacOf = (stream: string): string => stream.slice(stream.indexOf('-') + 1)

/**
 * SQLite reads a log that was not closed by files that it makes beside it.
 *
 * @throws {Refused} that says what to do when the log cannot be read where it is.
 */
async function openNewer(file: string) {
  try {
    const reader = await openSqliteEventReader({ file })
    await reader.head()
    return reader
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw new Refused(
      `${reason}. If its folder cannot be written, copy ${file}, and ${file}-wal if there is one, into a folder that can, and give --erased-in the copy`,
      { cause: error },
    )
  }
}

async function erasuresIn(file: string, after: Position): Promise<Erasures> {
  const reader = await openNewer(file)
  const [subs, addresses] = [new Set<string>(), [] as { hmac: string; reservationId: string }[]]
  const applied = new Set<string>()
  try {
    for await (const recorded of reader.readAll({ after, filter: { categories: ['user', 'email', 'bootstrap'] } })) {
      const event = decode(recorded)
      const isApplied = event?.type === 'EmailConfirmed' && event.envelope.actor.id === 'bootstrap'
      if (event !== undefined && (isApplied || event.type === 'BootstrapEntryApplied'))
        applied.add(hmacOf(event.stream))
      if (event?.type === 'SubjectErased') subs.add(event.data.user.sub)
      if (event?.type === 'EmailReleased' && event.data.reason === ERASED_REASON)
        addresses.push({ hmac: hmacOf(event.stream), reservationId: event.data.reservation_id })
    }
  } finally {
    await reader.close()
  }
  return { subs: [...subs], addresses: addresses.map((each) => ({ ...each, isBootstrap: applied.has(each.hmac) })) }
}

function readManifest(folder: string): Manifest {
  try {
    const manifest = Manifest.parse(JSON.parse(readFileSync(join(folder, MANIFEST), 'utf8')))
    return { ...manifest, position: keptPosition({ parsePosition }, manifest.position) }
  } catch (error) {
    throw new Refused(`${folder} holds no complete backup: ${MANIFEST} is missing or damaged`, { cause: error })
  }
}

/** What SQLite keeps beside a file that was not closed. */
const BESIDE = ['-wal', '-shm', '-journal']

/**
 * The files of another log in a data folder. What was not closed is in part beside its file, and SQLite would take that for a part
 * of whatever file then has the name: the log of before would be there again. A vault alone is what a restore leaves that was
 * interrupted.
 */
function leftIn(folder: string): string[] {
  const isThere = (name: string) => existsSync(join(folder, name))
  return [LOG, VAULT].flatMap((file) => {
    const beside = BESIDE.map((end) => `${file}${end}`).filter(isThere)
    return isThere(file) && (file === LOG || beside.length > 0) ? [file, ...beside] : beside
  })
}

/** What a restore ends and erases again, in the folder where it is prepared. */
async function settle(config: Config, folder: string, erasures: readonly Erasures[]): Promise<{ erased: number }> {
  const store = await openSqliteEventStore({ file: join(folder, LOG) })
  try {
    const vault = await openSqliteVault({ file: join(folder, VAULT), ...wrappingKeys(config) })
    try {
      const sealer = vaultSealer(vault)
      const log = openEventLog({ store, sealer, catalogue })
      const installation = await openIssuerEpoch({ log, clock: systemClock })
      // What came after the backup is lost, also a higher cap.
      await openTokenCap({ log }).raiseTo(LONGEST_TOKEN_CAP, systemContext('restore'))
      await installation.endAllTokens('restored from a backup', systemContext('restore'))
      // The vault may be newer than the log: keys that were in use then may be destroyed by now.
      const context = () => systemContext('restore')
      const ring = { log, vault, clock: systemClock, context, keepFor: LONGEST_TOKEN_CAP + SKEW, replaceLost: true }
      await openSigningKeys({ ...ring, alg: config.signingAlg, maxAge: 0 })
      await openSigningKeys({ ...ring, use: 'feed', maxAge: 0 })
      await openDerivationKeys(ring)
      const hash = keyedHash(await vault.putIfAbsent('hash/stream-names', randomBytes(32)))
      const { release, complete } = openErasure({ log, sealer, addresses: openAddresses(hash), newId })
      const applied = openAppliedEntries(log)
      let erased = 0
      for (const { subs, addresses } of erasures) {
        for (const sub of subs) {
          const found = await readUser(log, sub)
          if (found === undefined || found.state.erased) continue
          await changeUser(log, sub, { type: 'Erase', reason: 'erased before the restore' }, systemContext('restore'))
          const [newest] = await log.last(userStream.of(sub))
          if (newest !== undefined) await complete(newest)
          erased += 1
        }
        for (const { hmac, reservationId, isBootstrap } of addresses) {
          await release(emailStream.of(hmac), reservationId, systemContext('restore'))
          if (isBootstrap) await applied.add(userEntry(hmac), systemContext('restore'))
        }
      }
      return { erased }
    } finally {
      await vault.close()
    }
  } finally {
    await store.close()
  }
}

/**
 * Makes the data folder what it was at a position of a backup; the server must not run. No grant and no token of before
 * lives: every one carries an older `issuer_epoch`. No user erased since comes back, as far as the backup itself
 * and the newer logs tell.
 *
 * @throws {Refused} when the backup is damaged, the data folder is not empty, or the position is not in the backup.
 */
export async function restoreBackup(config: Config, { folder, to, erasedIn }: RestoreOptions) {
  assertEmbedded(config, 'restore the database with its own tools')
  const manifest = readManifest(folder)
  const left = leftIn(config.dataDir)
  if (left.length > 0)
    throw new Refused(
      `LEDGATE_DATA_DIR (${config.dataDir}) already holds a log, or a part of one: move ${left.join(', ')} away together first`,
    )
  const position = to === undefined ? manifest.position : positionIn({ parsePosition }, to, '--to')
  if (position > manifest.position)
    throw new Refused(`--to: the backup ends before that position, at ${manifest.position}`)
  const whole = await digestLog(join(folder, LOG))
  if (whole.digest !== manifest.digest) throw new Refused('the backup is damaged: its log does not match its manifest')
  const newer = await Promise.all(erasedIn.map((file) => erasuresIn(file, START)))
  if ((await digestLog(join(folder, LOG), position)).position !== position)
    throw new Refused('--to: the backup has no event at that position')
  const inside = await erasuresIn(join(folder, LOG), position)

  prepareDataFolder(config.dataDir)
  const lock = lockForWriting(join(config.dataDir, LOG))
  const scratch = join(config.dataDir, 'restoring')
  try {
    rmSync(scratch, { recursive: true, force: true })
    mkdirSync(scratch, { mode: 0o700 })
    const part = await copyLog({ from: join(folder, LOG), to: join(scratch, LOG), upTo: position, restMs: 0 })
    copyVault(join(folder, VAULT), join(scratch, VAULT))
    const { erased } = await settle(config, scratch, [inside, ...newer])
    // The log last: whatever lacks it is no installation, and the restore can be begun anew.
    for (const file of [VAULT, LOG]) renameSync(join(scratch, file), join(config.dataDir, file))
    rmSync(scratch, { recursive: true, force: true })
    return { position: part.position, events: part.events, digest: part.digest, erased }
  } finally {
    lock.release()
  }
}
