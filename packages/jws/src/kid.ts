/** The largest length of a `kid`, for registration, publication and lookup of keys. */
export const LONGEST_KID = 255

/** Whether a text is a valid `kid` of a key. */
export const isKid = (text: string): boolean => text.length >= 1 && text.length <= LONGEST_KID && text.isWellFormed()
