import { InvalidRequest, isFittingAuthorization, MAX_AUTHORIZATION_BYTES } from '@ledgate/oauth'

type Rights = Parameters<typeof isFittingAuthorization>[0]

/**
 * That what somebody may do fits into every token of theirs, or is no more than an older version gave them: to take something
 * away never waits for all that is too much.
 *
 * @param kept what they may do so far.
 * @throws {InvalidRequest}
 */
export function assertAuthorization(rights: Rights, kept?: Rights): void {
  if (!isFittingAuthorization(rights, kept))
    throw new InvalidRequest(`roles and entitlements together have more than ${MAX_AUTHORIZATION_BYTES} bytes as JSON`)
}
