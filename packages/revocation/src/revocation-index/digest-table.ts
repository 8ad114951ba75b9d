import { WORDS } from './digest.ts'

/** The number of tables. Only one at a time grows, so that growing needs little memory and time. */
const SHARDS = 64
const SMALLEST = 8
const FULL = 0.75
/** Slots for each entry of a table that is rebuilt: with more it would grow less often, and use more memory. */
const ROOM = 1.6
/** After this many insertions, one more table is searched for expired entries. */
const SWEEP_EVERY = 256

/** `until` is stored in 32 bits. An entry with a later one never expires, since dropping it would accept revoked tokens. */
const FOREVER = 0xffff_ffff

/** The epoch of a missing entry: below that of every token. */
export const NO_EPOCH = Number.NEGATIVE_INFINITY

/** Digests one after another, in words that are signed integers. */
export type Digests = Int32Array | readonly number[]

/** One open-addressed table. A slot is empty when its `until` is 0, whatever its digest. */
interface Shard {
  readonly capacity: number
  readonly words: Int32Array
  readonly until: Uint32Array
  readonly epochs: Float64Array
  /** Empty in a table of entries without it. */
  readonly issuerEpochs: Float64Array
  size: number
}

const BYTES_A_SLOT = WORDS * 4 + 4 + 8
const BYTES_OF_ISSUER_EPOCH = 8

/**
 * In one buffer. It is never resized, but a resizable buffer has pages of its own, which are returned to the system with it; ever
 * growing buffers from the allocator would leave gaps of half their size.
 */
function shardOf(capacity: number, saysIssuerEpochs: boolean): Shard {
  const said = saysIssuerEpochs ? capacity : 0
  const bytes = capacity * BYTES_A_SLOT + said * BYTES_OF_ISSUER_EPOCH
  const afterEpochs = (capacity + said) * 8
  const memory = new ArrayBuffer(bytes, { maxByteLength: bytes })
  return {
    capacity,
    epochs: new Float64Array(memory, 0, capacity),
    issuerEpochs: new Float64Array(memory, capacity * 8, said),
    words: new Int32Array(memory, afterEpochs, capacity * WORDS),
    until: new Uint32Array(memory, afterEpochs + capacity * WORDS * 4, capacity),
    size: 0,
  }
}

const shardNumber = (digests: Digests, at: number): number => ((digests[at] ?? 0) >>> 0) % SHARDS

const isLive = (until: number, now: number) => until >= now || until === FOREVER

/** The slot of a digest in its shard: the one it is in, or the empty one where it belongs. */
function slotOf(shard: Shard, digests: Digests, at: number): number {
  const { capacity, words, until } = shard
  let slot = Math.floor((((digests[at + 1] ?? 0) >>> 0) / 2 ** 32) * capacity)
  while (until[slot] !== 0) {
    const start = slot * WORDS
    if (
      words[start] === digests[at] &&
      words[start + 1] === digests[at + 1] &&
      words[start + 2] === digests[at + 2] &&
      words[start + 3] === digests[at + 3]
    )
      return slot
    slot = slot + 1 === capacity ? 0 : slot + 1
  }
  return slot
}

/** What is stored for a digest. */
interface Entry {
  readonly until: number
  readonly epoch: number
  /** The `issuer_epoch` under which the epoch was counted; only in a table of entries with it. */
  readonly issuerEpoch?: number | undefined
}

/** The epochs of a missing or expired entry. */
const NOTHING = { epoch: NO_EPOCH, issuerEpoch: NO_EPOCH }

const issuerEpochIn = ({ issuerEpochs }: Shard, slot: number): number =>
  issuerEpochs.length === 0 ? NO_EPOCH : (issuerEpochs[slot] ?? NO_EPOCH)

function writeEpochs(shard: Shard, slot: number, { until, epoch, issuerEpoch = NO_EPOCH }: Entry): void {
  shard.until[slot] = until
  shard.epochs[slot] = epoch
  if (shard.issuerEpochs.length > 0) shard.issuerEpochs[slot] = issuerEpoch
}

function write(shard: Shard, slot: number, digests: Digests, at: number, entry: Entry): void {
  for (let word = 0; word < WORDS; word += 1) shard.words[slot * WORDS + word] = digests[at + word] ?? 0
  writeEpochs(shard, slot, entry)
  shard.size += 1
}

/** The higher `issuer_epoch` decides; if they are equal, the higher epoch. */
const isHigher = (issuerEpoch: number, epoch: number, thanIssuerEpoch: number, thanEpoch: number): boolean =>
  issuerEpoch > thanIssuerEpoch || (issuerEpoch === thanIssuerEpoch && epoch > thanEpoch)

function liveIn(shard: Shard, now: number): number {
  let live = 0
  for (const until of shard.until) if (until !== 0 && isLive(until, now)) live += 1
  return live
}

/** The entries that have not expired, in a new table with room for more. */
function rebuild(shard: Shard, live: number, now: number): Shard {
  const next = shardOf(Math.max(SMALLEST, Math.ceil(live * ROOM)), shard.issuerEpochs.length > 0)
  for (let slot = 0; slot < shard.capacity; slot += 1) {
    const until = shard.until[slot] ?? 0
    if (until === 0 || !isLive(until, now)) continue
    const at = slot * WORDS
    const entry = { until, epoch: shard.epochs[slot] ?? NO_EPOCH, issuerEpoch: issuerEpochIn(shard, slot) }
    write(next, slotOf(next, shard.words, at), shard.words, at, entry)
  }
  return next
}

/** An exact map of digests, each with an epoch and a time when it expires. All times are in whole seconds. */
export interface DigestTable {
  /**
   * Stores the highest epoch and the latest expiry of a digest.
   *
   * @returns whether the stored entry has changed.
   */
  put(digests: Digests, at: number, entry: Entry, now: number): boolean
  /** The epoch of a digest until it expires; otherwise {@link NO_EPOCH}. */
  epochOf(digests: Digests, at: number, now: number): number
  /** Whether a digest has a higher pair of epochs than this, until it expires. */
  isAbove(issuerEpoch: number, epoch: number, digests: Digests, at: number, now: number): boolean
  /** Removes expired entries and frees their memory. */
  sweep(now: number): void
  /** Number of entries; expired ones are removed a little later. */
  readonly size: number
  /** Bytes of all tables, full or not. */
  readonly bytes: number
}

/** Creates a table. A large one takes 37 to 45 bytes for each entry; 48 to 58 with an `issuer_epoch`. */
export function digestTable({ saysIssuerEpochs = false }: { readonly saysIssuerEpochs?: boolean } = {}): DigestTable {
  const shards = Array.from({ length: SHARDS }, () => shardOf(SMALLEST, saysIssuerEpochs))
  let size = 0
  let slots = SHARDS * SMALLEST
  let puts = 0

  const shardAt = (number: number): Shard => shards[number] ?? shardOf(SMALLEST, saysIssuerEpochs)

  function replace(number: number, live: number, now: number): Shard {
    const old = shardAt(number)
    const next = rebuild(old, live, now)
    shards[number] = next
    size += next.size - old.size
    slots += next.capacity - old.capacity
    return next
  }

  function sweepOne(number: number, now: number): void {
    const shard = shardAt(number)
    const live = liveIn(shard, now)
    if (live < shard.size) replace(number, live, now)
  }

  function add(number: number, digests: Digests, at: number, entry: Entry, now: number): void {
    let shard = shardAt(number)
    if (shard.size + 1 > shard.capacity * FULL) shard = replace(number, liveIn(shard, now) + 1, now)
    write(shard, slotOf(shard, digests, at), digests, at, entry)
    size += 1
    puts += 1
    if (puts % SWEEP_EVERY === 0) sweepOne((puts / SWEEP_EVERY) % SHARDS, now)
  }

  return {
    put(digests, at, { until: lasting, epoch, issuerEpoch = NO_EPOCH }, now) {
      const until = Math.min(lasting, FOREVER)
      if (until === 0 || !isLive(until, now)) return false
      const number = shardNumber(digests, at)
      const shard = shardAt(number)
      const slot = slotOf(shard, digests, at)
      const known = shard.until[slot] ?? 0
      if (known === 0) {
        add(number, digests, at, { until, epoch, issuerEpoch }, now)
        return true
      }
      // An expired entry counts as missing, whether it was swept yet or not.
      const before = isLive(known, now)
        ? { epoch: shard.epochs[slot] ?? NO_EPOCH, issuerEpoch: issuerEpochIn(shard, slot) }
        : NOTHING
      const isMore = isHigher(issuerEpoch, epoch, before.issuerEpoch, before.epoch)
      if (until <= known && !isMore) return false
      writeEpochs(shard, slot, { ...(isMore ? { epoch, issuerEpoch } : before), until: Math.max(until, known) })
      return true
    },

    epochOf(digests, at, now) {
      const shard = shardAt(shardNumber(digests, at))
      const slot = slotOf(shard, digests, at)
      const until = shard.until[slot] ?? 0
      return until !== 0 && isLive(until, now) ? (shard.epochs[slot] ?? NO_EPOCH) : NO_EPOCH
    },

    isAbove(issuerEpoch, epoch, digests, at, now) {
      const shard = shardAt(shardNumber(digests, at))
      const slot = slotOf(shard, digests, at)
      const until = shard.until[slot] ?? 0
      if (until === 0 || !isLive(until, now)) return false
      return isHigher(issuerEpochIn(shard, slot), shard.epochs[slot] ?? NO_EPOCH, issuerEpoch, epoch)
    },

    sweep(now) {
      for (let number = 0; number < SHARDS; number += 1) sweepOne(number, now)
    },

    get size() {
      return size
    },
    get bytes() {
      return slots * (BYTES_A_SLOT + (saysIssuerEpochs ? BYTES_OF_ISSUER_EPOCH : 0))
    },
  }
}
