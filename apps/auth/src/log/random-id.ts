import { randomBytes } from 'node:crypto'

/** 128 random bits in hexadecimal: the id of whatever is new. */
export const newId = (): string => randomBytes(16).toString('hex')
