import { SUBJECT_PREFIX } from '@ledgate/oauth'
import { newId } from '../log/index.ts'

/** A subject identifier that no user has yet. */
export const newSubject = (): string => `${SUBJECT_PREFIX}${newId()}`

/**
 * A subject that no user has. It is read first at every sign-in, and again where the address has no user: known users are in
 * memory, and the time of a read from disk would tell which addresses have none.
 */
export const DUMMY_SUBJECT = `${SUBJECT_PREFIX}${'0'.repeat(32)}`
