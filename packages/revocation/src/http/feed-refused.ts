/** The issuer did not give the feed: `status` says why, 401 that the credentials are not those of a resource server. */
export class FeedRefused extends Error {
  readonly code = 'ERR_FEED_REFUSED'
  readonly status: number

  constructor(status: number) {
    super(`the issuer answered ${status} instead of its feed`)
    this.name = 'FeedRefused'
    this.status = status
  }
}
