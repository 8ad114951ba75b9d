import type { EventStoreDBClient } from '@eventstore/db-client'
import { setTimeout as pause } from 'node:timers/promises'
import { Unavailable } from '@ledgate/eventsourcing'
import { clientOf } from './connection-string.ts'
import { adviceOn } from './failure.ts'

export interface ConnectionOptions {
  /** `esdb://user:password@host:port,host:port?tls=…` or `esdb+discover://…`, as EventStoreDB's clients take it. */
  readonly url: string
  /** Where it was configured, for whoever has to mend it; `LEDGATE_EVENTSTOREDB_URL` unless told. */
  readonly setting?: string
  /** Milliseconds that one try of one call may take; 2,000 unless told. */
  readonly attemptMs?: number
  /** Milliseconds without an answer after which it is looked whether an append is in its stream; 250, or a quarter of a try if that is less, unless told. */
  readonly settleMs?: number
  /** Reads what this very node has, whoever leads; never to decide anything. */
  readonly isAnyNode?: boolean
}

/** One client at a time, replaced when its node hangs. */
export interface Connection {
  readonly attemptMs: number
  readonly settleMs: number
  /** Whether only the leader answers. */
  readonly requiresLeader: boolean
  /** Calls until it succeeds, another try would not help, or they were tried three times. */
  call<Result>(work: (client: EventStoreDBClient) => Promise<Result>): Promise<Result>
  /** The client for a call that lives on; `refused` tells how it ended. */
  client(): EventStoreDBClient
  refused(client: EventStoreDBClient, error: unknown): void
  close(): Promise<void>
}

const DEFAULT_ATTEMPT_MS = 2_000
const DEFAULT_SETTLE_MS = 250
const TRIES = 3
const PAUSE_MS = 30
/** How long calls under way on a replaced client may still take before it is cut off. */
const LEAVE_MS = 30_000

/** Opens a connection; nothing is sent before the first call. @throws {Error} when the URL is not one; the message repeats no value of it. */
export function openConnection({
  url,
  setting,
  attemptMs = DEFAULT_ATTEMPT_MS,
  settleMs = Math.min(DEFAULT_SETTLE_MS, attemptMs / 4),
  isAnyNode = false,
}: ConnectionOptions): Connection {
  const leaving = new Set<NodeJS.Timeout>()
  const retired = new Set<EventStoreDBClient>()
  let client = clientOf(url, setting)
  let isClosed = false

  const retire = (old: EventStoreDBClient): void => {
    retired.add(old)
    const timer = setTimeout(() => {
      leaving.delete(timer)
      retired.delete(old)
      void old.dispose()
    }, LEAVE_MS)
    leaving.add(timer.unref())
  }

  /** `undefined` while there can be none: a certificate is being replaced, perhaps. The one that there is goes on. */
  const anotherClient = (): EventStoreDBClient | undefined => {
    try {
      return clientOf(url, setting)
    } catch {
      return undefined
    }
  }

  const refused = (used: EventStoreDBClient, error: unknown): void => {
    if (isClosed || used !== client || adviceOn(error) !== 'reconnect') return
    const next = anotherClient()
    if (next === undefined) return
    retire(client)
    client = next
  }

  return {
    attemptMs,
    settleMs,
    requiresLeader: !isAnyNode,
    client: () => client,
    refused,
    async call(work) {
      for (let tries = 1; ; tries += 1) {
        if (isClosed) throw new Unavailable('the event store is closed')
        const used = client
        try {
          return await work(used)
        } catch (error) {
          refused(used, error)
          if (tries === TRIES || adviceOn(error) === 'none') throw error
          await pause(PAUSE_MS * tries)
        }
      }
    },
    async close() {
      isClosed = true
      leaving.forEach(clearTimeout)
      await Promise.all([client, ...retired].map((each) => each.dispose()))
    },
  }
}
