/** Characters of the longest `kid`: whoever registers, publishes or looks for a key goes by it. */
export const LONGEST_KID = 255

/** Whether a text may be the `kid` of a key. */
export const isKid = (text: string): boolean => text.length >= 1 && text.length <= LONGEST_KID && text.isWellFormed()
