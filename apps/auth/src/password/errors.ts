import { OAuthError } from '@ledgate/oauth'

/** The user is authenticated, but the password is wrong. */
export class WrongPassword extends OAuthError {
  constructor(
    description = 'this is not the password of the registration; a new one can be set instead',
    options?: ErrorOptions,
  ) {
    super('wrong_password', 400, description, options)
  }
}
