import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import { TemporarilyUnavailable } from '@ledgate/oauth'
import { Piscina } from 'piscina'
import { isPossiblePassword, normalizePassword } from './password.ts'
import type { PasswordTask } from './password-worker.ts'

/** Passwords to hashes and back to yes or no. */
export interface PasswordHasher {
  /** The argon2id hash in PHC form. @throws {TemporarilyUnavailable} when too many are waiting. */
  hash(password: string): Promise<string>
  /** @throws {TemporarilyUnavailable} when too many are waiting. */
  verify(phc: string, password: string): Promise<boolean>
  /** Finishes what is in hand. */
  close(): Promise<void>
}

export interface PasswordHasherOptions {
  /** One thread a core unless told. */
  readonly threads?: number
  /** How many may wait for a thread; 64 a thread unless told, about a second. */
  readonly maxQueue?: number
}

const QUEUE_PER_THREAD = 64

/** Low enough that a thread that signs or serves always goes first. */
const NICE = 10

/** How long a client should wait when the queue was full, in seconds. */
const RETRY_AFTER = 1

/**
 * Hashes in threads of its own, below the priority of everything else, with a bounded queue. A password that cannot be
 * anybody's is checked all the same, so that it costs as much as any other, and is refused.
 */
export function passwordHasher(options: PasswordHasherOptions = {}): PasswordHasher {
  const threads = options.threads ?? availableParallelism()
  const maxQueue = options.maxQueue ?? threads * QUEUE_PER_THREAD
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js'
  const pool = new Piscina<PasswordTask, string | boolean>({
    filename: fileURLToPath(new URL(`./password-worker.${extension}`, import.meta.url)),
    name: 'work',
    minThreads: threads,
    maxThreads: threads,
    concurrentTasksPerWorker: 2, // the next one is there when a thread ends its last
    niceIncrement: NICE,
  })
  let inHand = 0

  // The pool's own limit does not count tasks that came before its threads were up.
  async function run(task: PasswordTask): Promise<string | boolean> {
    if (inHand >= threads + maxQueue)
      throw new TemporarilyUnavailable('too many passwords are waiting to be hashed', { retryAfter: RETRY_AFTER })
    inHand += 1
    try {
      return await pool.run(task)
    } finally {
      inHand -= 1
    }
  }

  return {
    async hash(password) {
      return String(await run({ kind: 'hash', password: normalizePassword(password) }))
    },
    async verify(phc, password) {
      const isPossible = isPossiblePassword(password)
      const fits = await run({ kind: 'verify', phc, password: isPossible ? normalizePassword(password) : '' })
      return isPossible && fits === true
    },
    close: () => pool.close(),
  }
}
