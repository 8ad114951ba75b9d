/** The reader did not take what came for so long that it is not kept for it any longer. It may reconnect. */
export class TooSlow extends Error {
  readonly code = 'ERR_TOO_SLOW'

  constructor() {
    super('the reader is too slow')
    this.name = 'TooSlow'
  }
}
