import { OAuthError } from '@ledgate/oauth'

/** Whoever asks is known, and the password is not theirs. */
export class WrongPassword extends OAuthError {
  constructor(
    description = 'this is not the password of the registration; a new one can be set instead',
    options?: ErrorOptions,
  ) {
    super('wrong_password', 400, description, options)
  }
}
