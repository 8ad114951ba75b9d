import { OAuthError } from '@ledgate/oauth'

/** The change would leave no administrator. */
export class LastAdministrator extends OAuthError {
  constructor() {
    super('last_administrator', 409, 'this is the last administrator; add another one first')
  }
}

/** The list of those who administer is full. */
export class TooManyAdministrators extends OAuthError {
  constructor() {
    super('invalid_request', 400, 'there are too many administrators; remove one first')
  }
}

/** The first administrator is made once. */
export class AlreadySetUp extends Error {
  constructor() {
    super('an administrator already exists')
    this.name = 'AlreadySetUp'
  }
}
