import type { Logger } from '@ledgate/verifier'
import { FeedRefused } from '@ledgate/verifier/http'

/** What keeps the verifier from its work, in words for the user of the demo. */
export interface Trouble {
  readonly line: string
  /** Whether waiting does not help: a setting is wrong. */
  readonly isFinal: boolean
}

const UNAUTHORIZED = 401

/** Milliseconds for which nothing is told twice: whatever fails is tried again all the time. */
const QUIET_MS = 60_000

const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))

function troubleOf(fields: object, message: string): Trouble {
  if (!('err' in fields)) return { line: message, isFinal: false }
  const { err: error } = fields
  if (error instanceof FeedRefused && error.status === UNAUTHORIZED)
    return { line: 'DEMO_CLIENT_ID and DEMO_CLIENT_SECRET are not those of a resource server', isFinal: true }
  return { line: `${message}: ${reasonOf(error)}`, isFinal: false }
}

/** A log for a verifier that tells what is wrong, line by line. `now` in milliseconds. */
export function troubleLog(tell: (trouble: Trouble) => void, now: () => number = Date.now): Logger {
  const toldAt = new Map<string, number>()
  return {
    info() {},
    warn(fields, message) {
      const trouble = troubleOf(fields, message)
      if (now() - (toldAt.get(trouble.line) ?? Number.NEGATIVE_INFINITY) < QUIET_MS) return
      toldAt.set(trouble.line, now())
      tell(trouble)
    },
  }
}
