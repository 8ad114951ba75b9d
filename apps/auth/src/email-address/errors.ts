import { OAuthError } from '@ledgate/oauth'

/** The address is taken or reserved. Registration never says so: it answers the same and sends a mail. */
export class AddressTaken extends Error {
  constructor() {
    super('the address is taken')
    this.name = 'AddressTaken'
  }
}

/** A mailed link that does nothing (any more): unknown, forged, used, expired or replaced. Which of them is not told. */
export class InvalidLink extends OAuthError {
  /** @param detail why, for our logs. */
  constructor(detail: string, options?: ErrorOptions) {
    super('invalid_token', 400, 'the link is invalid, expired or already used', { ...options, detail })
  }
}
