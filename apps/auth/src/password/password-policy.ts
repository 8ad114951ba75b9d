import { OAuthError } from '@ledgate/oauth'
import { isPossiblePassword, lengthOf, MAX_PASSWORD, MIN_PASSWORD, normalizePassword } from './password.ts'

/** The password is one that Ledgate does not take; the text says why, and only to whoever chose it. */
export class InvalidPassword extends OAuthError {
  constructor(description: string) {
    super('invalid_password', 400, description)
  }
}

/** Checks passwords that users choose. */
export interface PasswordPolicy {
  /** @throws {InvalidPassword} when it is too short, too long, not text, common, or the address itself. */
  check(password: string, address: string): Promise<void>
}

const fold = (text: string) => normalizePassword(text).toLowerCase()

async function commonPasswords(): Promise<ReadonlySet<string>> {
  const { dictionary } = await import('@zxcvbn-ts/language-common')
  return new Set(dictionary['passwords-common'].map(fold))
}

/**
 * NIST SP 800-63B §3.1.1: so many characters of any kind ({@link MIN_PASSWORD}, {@link MAX_PASSWORD}), no rule of composition,
 * nothing that is on the list of common passwords (in any case). The list is read once, at the first check.
 */
export function createPasswordPolicy(): PasswordPolicy {
  let loading: Promise<ReadonlySet<string>> | undefined
  return {
    async check(password, address) {
      if (!password.isWellFormed()) throw new InvalidPassword('the password is not well-formed Unicode')
      if (!isPossiblePassword(password))
        throw new InvalidPassword(`the password is longer than ${MAX_PASSWORD} characters`)
      if (lengthOf(password) < MIN_PASSWORD)
        throw new InvalidPassword(`the password is shorter than ${MIN_PASSWORD} characters`)
      const folded = fold(password)
      if (folded === fold(address)) throw new InvalidPassword('the password equals the email address')
      loading ??= commonPasswords()
      if ((await loading).has(folded)) throw new InvalidPassword('the password is one of the most common ones')
    },
  }
}
