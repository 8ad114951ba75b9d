import { z } from 'zod'

/** Routers take so many characters of a part of a path. */
const LONGEST = 100
const SHAPE = new RegExp(`^[A-Za-z0-9._~-]{1,${LONGEST}}$`)
/** In a path they are other folders, however they are encoded (RFC 3986 §5.2.4). */
const DOTS = ['.', '..']

/** How the `sub` of every user begins; a `client_id` never does. */
export const SUBJECT_PREFIX = 'u_'

/**
 * A `client_id`: of the visible characters of RFC 6749 appendix A.1 those that are safe in a stream's name and a URL. It
 * never looks like the `sub` of a person (`u_…`), so the two can never be taken for each other.
 */
export const ClientId = z
  .string()
  .regex(SHAPE, { error: `a client_id is 1 to ${LONGEST} of the characters A-Z a-z 0-9 . _ ~ -` })
  .refine((value) => !DOTS.includes(value), {
    error: 'must not be . or .., which a URL cannot contain as a path segment',
  })
  .refine((value) => !value.startsWith(SUBJECT_PREFIX), {
    error: 'must not start with u_, the prefix of a user’s sub',
  })

/** Whether a text can be the `client_id` of somebody at all. */
export const isClientId = (text: string): boolean => SHAPE.test(text) && !text.startsWith(SUBJECT_PREFIX)
