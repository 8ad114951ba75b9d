import { randomBytes } from 'node:crypto'

/** Argon2id at OWASP's first choice: 19 MiB, two passes, one lane. `algorithm` 2 is argon2id. */
export const ARGON2ID = { algorithm: 2, memoryCost: 19_456, timeCost: 2, parallelism: 1, outputLen: 32 } as const

const unpadded = (bytes: Buffer) => bytes.toString('base64').replaceAll('=', '')

/**
 * A hash in PHC form that no password has: checking it costs what checking a real one costs, and fails.
 *
 * Its salt and output are random, so this is as true as that no one inverts argon2id.
 */
export const dummyHash = (): string =>
  `$argon2id$v=19$m=${ARGON2ID.memoryCost},t=${ARGON2ID.timeCost},p=${ARGON2ID.parallelism}` +
  `$${unpadded(randomBytes(16))}$${unpadded(randomBytes(ARGON2ID.outputLen))}`
