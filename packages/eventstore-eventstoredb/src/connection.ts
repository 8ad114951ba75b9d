import type { EventStoreDBClient } from '@eventstore/db-client'
import { setTimeout as pause } from 'node:timers/promises'
import { Unavailable } from '@ledgate/eventsourcing'
import { clientOf } from './connection-string.ts'
import { adviceOn } from './failure.ts'

export interface ConnectionOptions {
  /** `esdb://user:password@host:port,host:port?tls=…` or `esdb+discover://…`, as EventStoreDB's clients take it. */
  readonly url: string
  /** The name of the setting, for error messages; default: `LEDGATE_EVENTSTOREDB_URL`. */
  readonly setting?: string
  /** Milliseconds for one attempt of a call; default: 2,000. */
  readonly attemptMs?: number
  /** Milliseconds without an answer after which an append is looked for in its stream; default: 250, at most a quarter of an attempt. */
  readonly settleMs?: number
  /** Reads what this node has, even if it does not lead; never for decisions. */
  readonly isAnyNode?: boolean
}

/** Holds one client, and replaces it when its node hangs. */
export interface Connection {
  readonly attemptMs: number
  readonly settleMs: number
  /** Whether only the leader answers. */
  readonly requiresLeader: boolean
  /** Retries the call up to three times, as long as another attempt may help. */
  call<Result>(work: (client: EventStoreDBClient) => Promise<Result>): Promise<Result>
  /** The client for a long-lived call; report its failure with `refused`. */
  client(): EventStoreDBClient
  refused(client: EventStoreDBClient, error: unknown): void
  close(): Promise<void>
}

const DEFAULT_ATTEMPT_MS = 2_000
const DEFAULT_SETTLE_MS = 250
const TRIES = 3
const PAUSE_MS = 30
/** How long running calls on a replaced client may still take before they are cancelled, in milliseconds. */
const LEAVE_MS = 30_000

/** Opens a connection; nothing is sent before the first call. @throws {Error} when the URL is not valid; the message repeats no value of it. */
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

  /** `undefined` when none can be created, for example while a certificate file is being replaced; the current one stays. */
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
