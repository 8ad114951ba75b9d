import { OAuthError } from '@ledgate/oauth'
import { DataKeyDestroyed } from '@ledgate/vault'

/** The command names a user who does not exist; only operators see this. */
export class UnknownAccount extends OAuthError {
  constructor(options?: ErrorOptions) {
    super('not_found', 404, 'unknown account', options)
  }
}

/**
 * Does what is about a user, who may be erased at any moment of it: what was under way then is refused as it is for
 * somebody who was erased before.
 *
 * @param refusal what that is, in the words of the request.
 */
export async function unlessErased<Result>(
  refusal: (cause: unknown) => Error,
  work: () => Promise<Result>,
): Promise<Result> {
  try {
    return await work()
  } catch (error) {
    throw error instanceof DataKeyDestroyed || error instanceof UnknownAccount ? refusal(error) : error
  }
}

/** What allowed the change was ended by another one meanwhile. */
export class Superseded extends OAuthError {
  constructor() {
    super('invalid_grant', 400, 'the account was changed meanwhile; sign in and try again')
  }
}
