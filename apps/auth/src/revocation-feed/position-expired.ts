/** Thrown by a feed that does not go back so far: what is older is in the live set. */
export class PositionExpired extends Error {
  readonly code = 'ERR_GONE'
}
