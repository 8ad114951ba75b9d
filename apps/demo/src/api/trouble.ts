import type { Logger } from '@ledgate/verifier'
import { FeedRefused } from '@ledgate/verifier/http'

/** What keeps the verifier from its work, in words for whoever started the demo. */
export interface Trouble {
  readonly line: string
  /** Whether waiting does not help: a setting is wrong. */
  readonly isFinal: boolean
}

const UNAUTHORIZED = 401

const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))

function troubleOf(message: string, error: unknown): Trouble {
  if (error instanceof FeedRefused && error.status === UNAUTHORIZED)
    return { line: 'DEMO_CLIENT_ID and DEMO_CLIENT_SECRET are not those of a resource server', isFinal: true }
  return { line: `${message}: ${reasonOf(error)}`, isFinal: false }
}

/** A log for a verifier that tells of each trouble once, however often it is tried again. */
export function troubleLog(tell: (trouble: Trouble) => void): Logger {
  const last = new Map<string, string>()
  return {
    info() {},
    warn(fields, message) {
      const trouble = troubleOf(message, 'err' in fields ? fields.err : 'nobody knows why')
      if (last.get(message) === trouble.line) return
      last.set(message, trouble.line)
      tell(trouble)
    },
  }
}
