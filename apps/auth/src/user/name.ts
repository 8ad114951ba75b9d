import { z } from 'zod'

/** Characters (UTF-16 units) of the longest name of a user. */
const MAX_NAME = 256

/** A name that is shown to other users. */
export const PersonName = z
  .string()
  .min(1)
  .max(MAX_NAME)
  .refine((name) => name.isWellFormed() && !/\p{Cc}/u.test(name), { error: 'must be plain text' })
