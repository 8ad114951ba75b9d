import { InvalidRequest, isFittingAuthorization, MAX_AUTHORIZATION_BYTES } from '@ledgate/oauth'

/** That what somebody may do fits into every token of theirs. @throws {InvalidRequest} */
export function assertAuthorization(rights: Parameters<typeof isFittingAuthorization>[0]): void {
  if (!isFittingAuthorization(rights))
    throw new InvalidRequest(`roles and entitlements together have more than ${MAX_AUTHORIZATION_BYTES} bytes as JSON`)
}
