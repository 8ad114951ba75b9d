/** The parameters of challenges besides the error: RFC 6750 §3, RFC 9728 §5.1, RFC 9449 §7.1. */
export interface ChallengeOptions {
  readonly realm?: string
  /** The URL of this resource's metadata, RFC 9728. */
  readonly resourceMetadata?: string
}
