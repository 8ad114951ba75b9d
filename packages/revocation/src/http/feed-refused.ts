import { RevocationError } from '../error/index.ts'

/**
 * The issuer refused to give the feed. A `status` of 401 means that the credentials are not those of a resource server.
 *
 * @example
 * ```ts
 * import type { Logger } from '@ledgate/verifier'
 * import { FeedRefused } from '@ledgate/verifier/http'
 *
 * export const logger: Pick<Logger, 'warn'> = {
 *   warn(fields, message) {
 *     if ('err' in fields && fields.err instanceof FeedRefused) console.warn(`check the credentials: ${fields.err.status}`)
 *     else console.warn(message)
 *   },
 * }
 * ```
 */
export class FeedRefused extends RevocationError {
  override readonly name = 'FeedRefused'
  readonly code = 'ERR_FEED_REFUSED'
  readonly status: number

  constructor(status: number) {
    super(`the issuer refused the feed with status ${status}`)
    this.status = status
  }
}
