/** Characters, counted as Unicode code points after normalization. */
export const MIN_PASSWORD = 8
export const MAX_PASSWORD = 256

/** UTF-16 units of the longest text that may still have so few characters once it is normalized. */
export const MAX_TYPED_PASSWORD = 8 * MAX_PASSWORD

/**
 * A password as it is counted, hashed and compared: in Unicode normalization form C (RFC 8265 §4.2, OpaqueString), so
 * that it is the same however a keyboard composes it. Nothing is trimmed, folded or cut off.
 */
export const normalizePassword = (password: string): string => password.normalize('NFC')

/** How many characters a user would count: code points, not UTF-16 units. */
export const lengthOf = (password: string): number => [...normalizePassword(password)].length

/** Whether it could be anybody's password at all: whole characters, and not longer than any. */
export const isPossiblePassword = (password: string): boolean =>
  password.isWellFormed() && password.length <= MAX_TYPED_PASSWORD && lengthOf(password) <= MAX_PASSWORD
