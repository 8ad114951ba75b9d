import { setTimeout as pause } from 'node:timers/promises'
import { Conflict, StreamNotFound } from '@ledgate/eventsourcing'
import { append, asideEvent, keepLastOnly } from './append.ts'
import { openConnection } from './connection.ts'
import { streamRequest } from './read-request.ts'
import { readUnproved } from './reading.ts'

export interface LeaseOptions {
  readonly url: string
  /** The name of the lease; all processes that compete for it use the same. */
  readonly name: string
  /** Milliseconds without a renewal after which another process may take the lease; default: 5,000. */
  readonly ttlMs?: number
  /** Called when the store could not be read or written; it is retried. */
  onError(error: unknown): void
}

/** The right to do something that only one process at a time should do. */
export interface Lease {
  isHeld(): boolean
  /** Runs the work whenever the lease is held, with a signal that is aborted when it is lost; until `signal` is aborted. */
  whileHeld(signal: AbortSignal, work: (held: AbortSignal) => Promise<void>): Promise<void>
  /** Lets another process take it at once. */
  close(): Promise<void>
}

const DEFAULT_TTL_MS = 5_000
/** The number of renewals within the time of a lease. */
const RENEWALS = 4

type Last = { readonly revision: bigint; readonly isReleased: boolean } | undefined

/**
 * A lease in an internal stream, of which EventStoreDB keeps only the last event. The process whose append at the exact revision
 * succeeds holds it. Clocks are not compared: the holder counts from before it sent its renewal, the others from when they saw
 * it, so theirs expires later.
 */
export function openEventStoreDBLease(options: LeaseOptions): Lease {
  const { name, ttlMs = DEFAULT_TTL_MS, onError } = options
  const connection = openConnection({ url: options.url, attemptMs: ttlMs / RENEWALS })
  const stream = `lease-${name}`
  const closing = new AbortController()
  const beat = ttlMs / RENEWALS
  let heldUntil = 0
  let lost = new AbortController()
  let seen: { revision: bigint | undefined; since: number } | undefined
  let wakers: (() => void)[] = []

  const isHeld = () => performance.now() < heldUntil

  async function last(): Promise<Last> {
    try {
      const [found] = await readUnproved(connection, stream, streamRequest(stream, { direction: 'backwards', max: 1 }))
      return found && { revision: found.revision, isReleased: found.type === 'Released' }
    } catch (error) {
      if (error instanceof StreamNotFound) return undefined
      throw error
    }
  }

  async function say(type: 'Taken' | 'Released', expected: bigint | undefined): Promise<bigint> {
    const events = [asideEvent(type, {})]
    return (await append(connection, { stream, events, expected: expected ?? 'noStream' })).revision
  }

  async function take(revision: bigint | undefined): Promise<void> {
    const asked = performance.now()
    try {
      const taken = await say('Taken', revision)
      if (revision === undefined) await keepLastOnly(connection, stream)
      seen = { revision: taken, since: performance.now() }
      if (!isHeld()) {
        // It expired during the renewal: the work has to restart.
        lost.abort()
        lost = new AbortController()
      }
      heldUntil = asked + ttlMs
      wakers.splice(0).forEach((wake) => wake())
    } catch (error) {
      if (!(error instanceof Conflict)) throw error
      heldUntil = 0
      seen = undefined
    }
  }

  async function step(): Promise<void> {
    if (isHeld() && seen) return take(seen.revision)
    const found = await last()
    if (seen === undefined || seen.revision !== found?.revision)
      seen = { revision: found?.revision, since: performance.now() }
    const isFree = found === undefined || found.isReleased || performance.now() - seen.since > ttlMs
    if (isFree) await take(found?.revision)
  }

  async function run(): Promise<void> {
    while (!closing.signal.aborted) {
      await step().catch(onError)
      if (!isHeld()) lost.abort()
      await pause(beat, undefined, { signal: closing.signal }).catch(() => undefined)
    }
  }

  // A process that was suspended and resumes must not believe that it still holds the lease.
  const watch = setInterval(() => !isHeld() && lost.abort(), beat / 2)
  const running = run()

  return {
    isHeld,
    async whileHeld(signal, work) {
      while (!signal.aborted) {
        if (!isHeld()) {
          await new Promise<void>((resolve) => {
            wakers.push(resolve)
            signal.addEventListener('abort', () => resolve(), { once: true })
          })
          continue
        }
        await work(AbortSignal.any([signal, lost.signal]))
      }
    },
    async close() {
      closing.abort()
      await running
      clearInterval(watch)
      lost.abort()
      if (isHeld() && seen) await say('Released', seen.revision).catch(onError)
      heldUntil = 0
      wakers = []
      await connection.close()
    },
  }
}
